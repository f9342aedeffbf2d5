"""Every guard of the importers, tripped. All of these end the command with exit code 2."""

import json
import re

import pytest

from algorithm.errors import MitosisError

BOX = ([0, 0, 50, 50], 1)
POINTS = [["image", "x", "y", "label"]]


def refused(run, message, *arguments, **options):
    with pytest.raises(MitosisError, match=re.escape(message)) as caught:
        run(*arguments, **{"allow_missing": True, **options})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["midog", "coco", "exact", "geojson"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ('{"images": [\n}', "line 2: no valid JSON"),
        ("{}", "is it of another format?"),
        ("[1]", "is it of another format?"),
        ('{"images": 1, "categories": 1, "annotations": 1, "results": 1, "features": 1}', "is it of another format?"),
    ],
)
def test_json_that_is_none_of_the_format(imported, write, name, text, message):
    refused(imported, message, name, write("file.json", text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("<annotation>\n<object></annotation>", "line 2: no valid XML"),
        ("<kml/>", "its root is <kml>, not <annotation>"),
        ("<annotation><object><name>mitosis</name></object></annotation>", "object 1: bndbox/xmin is None"),
        ("<annotation><object><name>cell</name></object></annotation>", "class 'cell' is neither known"),
    ],
)
def test_xml_that_is_none_of_the_format(imported, write, text, message):
    refused(imported, message, "voc", write("file.xml", text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; a SlideRunner database is needed"),
        (b"no database at all" * 99, "cannot be read as a SlideRunner database"),
    ],
)
def test_sqlite_that_is_none(imported, tmp_path, content, message):
    path = tmp_path / "file.sqlite"
    path.write_bytes(content)
    refused(imported, message, "sliderunner", path)


def test_a_database_cut_short(imported, database):
    source = database([("a.svs", None)], [(1, 1, [(n, n)], 0) for n in range(300)])
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    refused(imported, "cannot be read as a SlideRunner database", "sliderunner", source)


def test_a_class_that_nobody_knows(imported, database):
    source = database([("a.svs", None)], [(1, 1, [(1, 1)], 0)], ("Granulocyte",))
    refused(imported, "annotation 1: class 'Granulocyte' is neither known", "sliderunner", source)
    refused(imported, "give NAME=MF, NAME=NMF or NAME=drop", "sliderunner", source, classes=("Granulocyte",))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["a.png", 1, 2, "cell"], "line 2: class 'cell' is neither known"),
        (["a.png", "1,5", 2, "MF"], "line 2: x is '1,5', not a number"),
        (["a.png", "nan", 2, "MF"], "line 2: x is 'nan', not a number"),
        (["a.png", "", 2, "MF"], "line 2: x is '', not a number"),
        (["a.png", 1, 2], "line 2: 3 cells, 4 columns"),
        (["", 1, 2, "MF"], "line 2: no name of an image"),
    ],
)
def test_a_row_that_is_wrong(imported, picture, write, row, message):
    picture("a.png")
    refused(imported, message, "csv", write("lab.csv", [*POINTS, row]))


def test_a_cell_beyond_its_image(imported, picture, write):
    picture("a.png")
    source = write("lab.csv", [*POINTS, ["a.png", 401, 2, "MF"]])
    refused(imported, "a: a MF at (401, 2) lies outside of the image of 400 x 300 px", "csv", source)


@pytest.mark.parametrize("rows", [[], [["image", "x"]], POINTS])
def test_a_table_without_its_columns_or_rows(imported, write, rows):
    message = "no row below the header" if rows == POINTS else "no column"
    refused(imported, message, "csv", write("lab.csv", rows))


def test_a_quote_that_never_ends(imported, write):
    refused(imported, "line 3: unexpected end of data", "csv", write("lab.csv", 'image,x,y,label\n"a.png,1\n,2,MF'))


def test_text_in_another_encoding(imported, tmp_path):
    path = tmp_path / "lab.csv"
    path.write_bytes("image,x,y,label,Größe".encode("latin-1"))
    refused(imported, "no text in UTF-8", "csv", path)


def test_rows_of_an_image_that_contradict_each_other(imported, picture, write):
    picture("a.png")
    rows = [[*POINTS[0], "slide"], ["a.png", 1, 2, "MF", "S1"], ["a.png", 3, 4, "MF", "S2"]]
    refused(imported, "line 3: slide 'S2', 'S1' in another row of the same image", "csv", write("lab.csv", rows))


def test_two_pictures_of_one_name(imported, picture, write):
    for name in ("a/1.png", "b/1.png"):
        picture(name)
    source = write("lab.csv", [*POINTS, ["1.png", 1, 2, "MF"]])
    refused(imported, "1.png: 2 pictures fit", "csv", source)
    source = write("lab.csv", [*POINTS, ["a/1.png", 1, 2, "MF"], ["b/1.png", 1, 2, "MF"]])
    refused(imported, "1 is a name of two files", "csv", source)


def test_another_version_of_the_picture(imported, picture, write, midog_json):
    picture("001.png", (200, 150))
    source = write("MIDOG.json", midog_json({"001.tiff": [BOX]}))
    refused(imported, "001.png: 200 x 150 px, the annotations are of one of 400 x 300 px", "midog", source)


def test_files_of_midog_and_coco_are_told_apart(imported, write, midog_json):
    content = midog_json({"001.tiff": [([300, 200, 350, 250], 1)]})
    refused(imported, "two corners; `import midog` reads it", "coco", write("MIDOG.json", content))
    unnamed = {key: value for key, value in content.items() if key != "info"}
    refused(imported, "if it is two corners, `import midog`", "coco", write("MIDOG.json", unnamed))
    content["annotations"][0]["bbox"] = [300, 200, 50, 50]
    refused(imported, "if it is x, y, width, height: `import coco`", "midog", write("coco.json", content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 9}, "annotation 0: of image 9, which the file does not list"),
        ({"category_id": 9}, "annotation 0: of category 9, which the file does not list"),
        ({"bbox": [1, 2, 3]}, "is no list of 4 numbers"),
        ({"bbox": ["1", 2, 3, 4]}, "is no list of 4 numbers"),
        ({"bbox": [float("nan"), 2, 3, 4]}, "is no list of 4 numbers"),
    ],
)
def test_annotations_that_point_nowhere(imported, write, midog_json, change, message):
    content = midog_json({"001.tiff": [BOX]})
    content["annotations"][0].update(change)
    refused(imported, message, "midog", write("MIDOG.json", content))


def test_an_image_listed_twice(imported, write, midog_json):
    content = midog_json({"001.tiff": [BOX]})
    content["images"] *= 2
    refused(imported, "image id 0 is given twice", "midog", write("MIDOG.json", content))
    content["images"][1] = {**content["images"][1], "id": 1}
    content["annotations"].append({**content["annotations"][0], "image_id": 1})
    refused(imported, "001 is listed twice", "midog", write("MIDOG.json", content))


def test_a_midog25_row_of_another_class(imported, write):
    columns = ["filename", "coordinateX", "coordinateY", "Tumor", "Scanner", "Species", "majority"]
    source = write("MIDOG25.csv", [columns, ["201.tiff", 1, 2, "", "", "", "MF"]])
    refused(imported, "line 2: majority is 'MF', not NMF or AMF", "midog25", source)


def test_exact_exports_that_lack_what_is_needed(imported, write):
    page = {"next": "https://exact.example/api?offset=50", "results": []}
    refused(imported, "the first page of several", "exact", write("a.json", page))
    plain = [{"id": 1, "image": 1436, "annotation_type": 266, "vector": {"x1": 1, "y1": 2}}]
    refused(imported, "export with expand=annotation_type,image", "exact", write("b.json", plain))
    kind, image = {"name": "mitosis"}, {"name": "a.svs"}
    for vector in ({}, {"x1": "1", "y1": 2}, {"x1": 1}):
        content = json.dumps([{"id": 1, "image": image, "annotation_type": kind, "vector": vector}])
        refused(imported, "annotation 1: vector", "exact", write("c.json", content))


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "GeometryCollection"}, "feature 1: a geometry of type 'GeometryCollection'"),
        ({"type": "Point", "coordinates": [1]}, "is no list of 2 numbers"),
        ({"type": "Polygon", "coordinates": [1, 2]}, "coordinates 1 are no list"),
        ({"type": "Polygon", "coordinates": []}, "a Polygon without coordinates"),
        (None, "no 'type'"),
    ],
)
def test_shapes_that_are_none(imported, write, geometry, message):
    feature = {"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": "Mitosis"}}}
    refused(imported, message, "geojson", write("a.geojson", {"features": [feature]}))


def test_folders_without_anything_to_read(imported, tmp_path, picture):
    folder = picture("set/DEB/a.png").parents[1]
    refused(imported, "no XML in it", "voc", folder)
    refused(imported, "no .geojson in it", "geojson", folder)
    for name in ("mitos14", "points", "crops", "canine_tiles", "icpr2012"):
        options = {} if name == "mitos14" else {"allow_missing": False}
        refused(imported, f"not of format {name}", name, folder, **options)


def test_classes_of_tiles_that_are_not_there(imported, picture):
    folder = picture("set/DEB/a.png").parents[1]
    (folder / "MUS").mkdir()
    options = {"allow_missing": False}
    refused(imported, "name the classes with --classes (there are: DEB, MUS)", "tiles", folder, **options)
    refused(imported, "no folder of class 'TUM'", "tiles", folder, classes=("TUM",), **options)
    refused(imported, "no picture in it", "tiles", folder, classes=("MUS",), **options)
    refused(imported, "a file; import tiles reads a folder", "tiles", folder / "DEB/a.png", classes=("DEB",), **options)


def test_frames_of_mitos14_with_two_tables(imported, write):
    for folder in ("a", "b"):
        source = write(f"set/{folder}/A03_00Aa_mitosis.csv", "1,2,0.8\n").parents[1]
    refused(imported, "is of the same frame; keep one of them", "mitos14", source)
    refused(imported, "line 1: 2 cells, 3 columns", "mitos14", write("one/A03_00Aa_mitosis.csv", "1,2\n").parent)
    refused(imported, "no columns frame, label", "mitos14", write("two/table.csv", "1,2,0.8\n"))


def test_tiles_of_another_size_than_their_table_says(imported, picture, write):
    picture("set/ccmct_one_x0.jpg")
    rows = [["file", "width", "height", "nmf_points_xy"], ["ccmct_one_x0.jpg", 64, 48, ""]]
    source = write("set/index.csv", rows).parent
    refused(
        imported, "line 2: ccmct_one_x0.jpg of 64 x 48 px, the picture has 400 x 300", "canine_tiles", source,
        allow_missing=False,
    )  # fmt: skip


def test_a_picture_that_is_none(imported, tmp_path, write):
    for name in ("a.jpg", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
        source = write("lab.csv", [*POINTS, [name, 1, 2, "MF"]])
        refused(imported, f"{name}: ", "csv", source, mpp=0.25)
