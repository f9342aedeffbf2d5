"""Several runs that answer one question: is a change worth having?"""
