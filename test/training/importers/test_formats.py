"""What each format's importer makes of a source that is sound.

No real data of EXACT, COCO, QuPath and tile sets were at hand: their fixtures follow the published schema.
"""

import pytest

MISSING = {"allow_missing": True}
COCO = {
    "images": [
        {"id": 7, "file_name": "train/one.png", "width": 400, "height": 300},
        {"id": 8, "file_name": "train/two.png", "width": 400, "height": 300},
    ],
    "categories": [{"id": 0, "name": "Mitotic figure"}, {"id": 5, "name": "hard_negative"}, {"id": 6, "name": "cell"}],
    "annotations": [
        {"id": 1, "image_id": 7, "category_id": 0, "bbox": [100, 150, 50, 80], "iscrowd": 0, "area": 4000},
        {"id": 2, "image_id": 7, "category_id": 5, "bbox": [10.5, 20, 3, 4]},
        {"id": 3, "image_id": 7, "category_id": 6, "bbox": [10, 20, 3, 4]},
    ],
}  # published schema: cocodataset.org/#format-data
EXACT = [
    {
        "id": 1310601, "annotation_type": {"id": 266, "name": "mitotic figure", "vector_type": 1}, "deleted": False,
        "vector": {"x1": 100, "x2": 150, "y1": 50, "y2": 101}, "unique_identifier": "d4adb89f",
        "image": {"id": 1436, "name": "slide.svs", "filename": "slide.svs", "width": 4000, "height": 3000},
    },
    {
        "id": 2, "annotation_type": {"id": 267, "name": "hard negative lookalike"}, "deleted": False,
        "vector": {"x1": 10, "y1": 10, "x2": 30, "y2": 10, "x3": 30, "y3": 50},
        "image": {"id": 1436, "name": "slide.svs", "width": 4000, "height": 3000},
    },
    {
        "id": 3, "annotation_type": {"id": 266, "name": "mitotic figure"}, "deleted": True,
        "vector": {"x1": 1, "y1": 1, "x2": 3, "y2": 3}, "image": {"id": 1436, "name": "slide.svs"},
    },
    {
        "id": 4, "annotation_type": {"id": 266, "name": "mitotic figure"}, "vector": None,
        "image": {"id": 1437, "name": "empty.svs", "width": 4000, "height": 3000},
    },
]  # fmt: skip  # published schema: serializers.py of github.com/DeepMicroscopy/Exact


def feature(kind, coordinates, name="Mitosis"):
    """As QuPath writes it: docs "Exporting annotations", properties of PathObjects."""
    classification = {"classification": {"name": name, "color": [200, 0, 0]}} if name else {}
    return {
        "type": "Feature", "id": "2f0c", "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"objectType": "annotation", "isLocked": False, **classification},
    }  # fmt: skip


def test_midog_boxes_are_two_corners_and_unlabelled_images_no_negatives(imported, left_out, write, midog_json):
    boxes = {"001.tiff": [([100, 50, 150, 100], 1), ([10, 20, 61, 70], 2)], "151.tiff": []}
    source = write("MIDOG.json", midog_json(boxes, tumor_type="canine lymphoma"))
    [image] = imported("midog", source, **MISSING)
    assert image.places("MF") == [(125, 75)]
    assert image.places("NMF") == [(35.5, 45)]
    assert (image.slide, image.dataset, image.tumour, image.species) == (
        "MIDOG/001", "MIDOG", "canine lymphoma", "canine",
    )  # fmt: skip
    assert (image.size, image.mpp, image.missing) == ((400, 300), None, True)


def test_what_is_left_out_is_told_with_the_reason(left_out, write, midog_json):
    source = write("MIDOG.json", midog_json({"001.tiff": [([0, 0, 50, 50], 1)], "151.tiff": []}))
    [dropped] = left_out("midog", source, **MISSING).dropped
    assert (dropped.what, dropped.why) == ("151.tiff", "no annotation at all: not labelled, so no negative")


def test_a_box_on_the_border_keeps_its_figure_and_says_that_it_moved(left_out, write, midog_json):
    source = write("MIDOG.json", midog_json({"305.tiff": [([-27, 100, 23, 150], 1), ([380, 90, 430, 140], 2)]}))
    found = left_out("midog", source, **MISSING)
    assert found.images[0].places("MF") == [(0, 125)]
    assert found.images[0].places("NMF") == [(400, 115)]
    assert [one.what for one in found.changed] == ["305.tiff: a MF at (-2, 125)", "305.tiff: a NMF at (405, 115)"]


def test_metadata_fills_in_what_the_json_does_not_tell(imported, write, midog_json):
    source = write("MIDOG.json", midog_json({"007.tiff": [([0, 0, 50, 50], 1)], "008.tiff": [([0, 0, 50, 50], 1)]}))
    table = write(
        "metadata.csv",
        "Slide;Dataset;Tumor;Scanner;Origin;Species\n7;train;human breast cancer;Hamammatsu XR;UMC Utrecht;Human\n",
    )
    known, other = imported("midog", source, metadata=table, **MISSING)
    assert (known.scanner, known.tumour, known.species) == ("Hamamatsu XR", "human breast cancer", "human")
    assert (other.scanner, other.tumour, other.species) == ("", "", "")


def test_nmf_of_midog25_is_a_normal_mitotic_figure(imported, write):
    source = write(
        "MIDOG25.csv",
        [
            ["image_id", "filename", "coordinateX", "coordinateY", "Tumor", "Scanner", "Origin", "Species", "majority"],
            ["1.png", "201.tiff", 50, 60, "canine lung cancer", "3D Histech", "VMU", "Canine", "NMF"],
            ["2.png", "201.tiff", 70, 80, "canine lung cancer", "3D Histech", "VMU", "Canine", "AMF"],
        ],
    )
    [image] = imported("midog25", source, **MISSING)
    assert image.places("MF") == [(50, 60), (70, 80)]
    assert (image.slide, image.scanner, image.species) == ("MIDOG/201", "3D Histech", "canine")


@pytest.mark.parametrize("old", [True, False])
def test_sliderunner_of_either_schema(imported, database, old):
    source = database([("a.svs", None)], [(1, 1, [(10, 20)], 0), (1, 2, [(30, 40), (50, 81)], 0)], old=old)
    [image] = imported("sliderunner", source, **MISSING)
    assert image.places("MF") == [(10, 20)]
    assert image.places("NMF") == [(40, 60.5)]  # the middle of a box
    assert (image.slide, image.dataset, image.size) == ("a", "cells", (400, 300))


def test_sliderunner_leaves_out_what_is_deleted_or_no_cell(left_out, database):
    spot = [(10, 20)]
    source = database(
        [("a.svs", None)],
        [(1, 1, spot, 0), (1, 1, spot, 1), (1, None, spot, 0), (1, 1, [], 0), (1, 1, [(None, 5)], 0), (1, 3, spot, 0)],
        ("Mitotic figures", "Non-mitotic", "Tumor cells"),
    )
    found = left_out("sliderunner", source, classes=("Tumor cells=drop",), **MISSING)
    assert found.images[0].places("MF") == [(10, 20)]
    assert [one.why for one in found.dropped] == [
        "deleted by its annotator", "no agreed class", "no coordinates", "no coordinates", "class 'Tumor cells'",
    ]  # fmt: skip


def test_sliderunner_takes_the_directory_for_the_slide_where_names_repeat(imported, database, picture):
    for case in ("01", "02"):
        picture(f"pictures/{case}/25.png", (400, 300))
    source = database([("25.tif", "01"), ("25.tif", "02")], [(1, 1, [(10, 20)], 0)], name="TUPAC.sqlite")
    one, two = imported("sliderunner", source, images=source.parent / "pictures")
    assert (one.slide, two.slide) == ("TUPAC/01", "TUPAC/02")
    assert [image.path.parent.name for image in (one, two)] == ["01", "02"]
    assert (one.places("MF"), two.annotations) == ([(10, 20)], ())


def test_frames_of_the_contests_share_their_glass_whatever_the_prefix(imported, database):
    source = database([("A03_01.bmp", None), ("A07_00Aa.tiff", None)], [])
    icpr, mitos = imported("sliderunner", source, prefix="x/", **MISSING)
    assert (icpr.slide, icpr.glass, icpr.mpp) == ("x/A03", "H03", (0.2456, 0.2456))
    assert (mitos.slide, mitos.glass, mitos.mpp) == ("x/H07", "H07", (0.2455, 0.2455))


def test_mitos14_in_the_folders_of_the_contest(imported, picture, write):
    picture("A03/frames/x40/A03_00Aa.png")
    picture("A03/frames/x20/A03_00A.png")
    write("A03/mitosis/A03_00Aa_mitosis.csv", "11,22,0.8\n33,44,0.65\n")
    write("A03/mitosis/A03_00Aa_not_mitosis.csv", "55,66,0.2\n")
    source = write("A04/mitosis/A04_00Aa_mitosis.csv", "").parents[2]
    picture("A04/frames/x40/A04_00Aa.png")
    one, empty = imported("mitos14", source)
    assert (one.places("MF"), one.places("NMF")) == ([(11, 22), (33, 44)], [(55, 66)])
    assert (one.slide, one.size, one.mpp) == ("H03", (400, 300), (0.2455, 0.2455))
    assert (empty.slide, empty.annotations) == ("H04", ())


def test_mitos14_merged_into_one_table(imported, write):
    rows = [["frame", "label", "x", "y", "confidence"], ["A03_00Aa", "MF", 1, 2, 0.8], ["A03_00Aa", "NMF", 3, 4, 0.2]]
    [image] = imported("mitos14", write("points.csv", rows), **MISSING)
    assert (image.places("MF"), image.places("NMF")) == ([(1, 2)], [(3, 4)])


def test_voc_takes_the_middle_of_its_box(imported, picture, write):
    picture("H03_02Ac.jpg", (399, 300))
    source = write(
        "H03_02Ac.xml",
        "<annotation><filename>H03_02Ac.png</filename><size><width>400</width><height>300</height></size>"
        "<object><name>mitosis</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>71</xmax><ymax>80</ymax></bndbox>"
        "</object></annotation>",
    )
    [image] = imported("voc", source)
    assert image.places("MF") == [(40.5, 50)]
    assert image.size == (399, 300)  # a column less than the XML says, as in eight frames of MITOS-ATYPIA-14
    assert (image.slide, image.mpp) == ("H03", (0.2275, 0.2275))


def test_coco_boxes_are_corner_and_size(imported, picture, write):
    for name in ("one", "two"):
        picture(f"train/{name}.png")
    source = write("instances.json", COCO)
    one, negative = imported("coco", source, images=source.parent, classes=("cell=drop",))
    assert (one.places("MF"), one.places("NMF")) == ([(125, 190)], [(12, 22)])
    assert (negative.slide, negative.annotations) == ("two", ())


def test_exact_json(left_out, write):
    found = left_out("exact", write("export.json", EXACT), **MISSING)
    image, empty = found.images
    assert (image.places("MF"), image.places("NMF")) == ([(125, 75.5)], [(20, 30)])
    assert (image.slide, image.size, empty.annotations) == ("slide", (4000, 3000), ())
    assert [one.why for one in found.dropped] == ["deleted on the server", "said not to be in the image"]


def test_exact_json_as_a_page_of_the_server(imported, write):
    page = {"count": 1, "next": None, "previous": None, "results": EXACT[:1]}
    [image] = imported("exact", write("export.json", page), **MISSING)
    assert image.places("MF") == [(125, 75.5)]


@pytest.mark.parametrize(
    "rows",
    [
        [["imagename", "type", "minx", "miny", "maxx", "maxy"], ["a.svs", "mitotic figure", 100, 50, 150, 101]],
        [["imagename", "type", "cx", "cy"], [], ["a.svs", "mitotic figure", 125, 75.5]],
    ],
)  # published schema: placeholders of an export format, annotations/views.py of github.com/DeepMicroscopy/Exact
def test_exact_csv(imported, write, rows):
    [image] = imported("exact", write("export.csv", rows), **MISSING)
    assert image.places("MF") == [(125, 75.5)]


def test_geojson_points_and_polygons(left_out, picture, write):
    picture("case.png")
    square = [[[10, 20], [40, 20], [40, 61], [10, 61], [10, 20]]]
    features = [
        feature("Polygon", square),
        feature("Point", [7.5, 8]),
        feature("MultiPoint", [[1, 2], [3, 4]], "Non-mitosis"),
        feature("Polygon", square, ""),
    ]
    source = write("case.geojson", {"type": "FeatureCollection", "features": features})
    found = left_out("geojson", source, mpp=0.5)
    [image] = found.images
    assert image.places("MF") == [(25, 40.5), (7.5, 8)]
    assert image.places("NMF") == [(1, 2), (3, 4)]
    assert (image.slide, image.path.name, image.mpp) == ("case", "case.png", (0.5, 0.5))
    assert [one.why for one in found.dropped] == ["no classification"]


def test_geojson_files_of_a_folder(imported, picture, write):
    for name in ("a", "b"):
        picture(f"set/{name}.png")
        source = write(f"set/{name}.geojson", [feature("Point", [1, 2])]).parent
    assert [(image.slide, image.dataset) for image in imported("geojson", source)] == [("a", "set"), ("b", "set")]


def test_tiles_of_the_classes_named(imported, picture):
    for name in ("DEB/DEB-TCGA-1.tif", "MUS/MUS-TCGA-1.tif", "MUS/MUS-TCGA-2.tif", "TUM/TUM-TCGA-1.tif"):
        root = picture(f"NCT/{name}", (224, 224)).parents[1]
    found = imported("tiles", root, classes=("DEB", "MUS"), mpp=0.5)
    assert [(image.dataset, image.slide, image.annotations) for image in found] == [
        ("NCT/DEB", "NCT/DEB", ()), ("NCT/MUS", "NCT/MUS", ()), ("NCT/MUS", "NCT/MUS", ()),
    ]  # fmt: skip
    assert (found[0].size, found[0].mpp) == ((224, 224), (0.5, 0.5))


def test_a_table_of_a_lab(imported, picture, write):
    for name in ("pictures/a.png", "pictures/b.png", "pictures/c.png"):
        picture(name)
    source = write(
        "lab.csv",
        [
            ["image", "x", "y", "label", "slide", "scanner", "tumour", "species", "dataset", "mpp"],
            ["a.png", 10.25, 20, "MF", "S1", "Aperio", "breast", "human", "ward", 0.25],
            ["a.png", 30, 40, "imposter", "S1", "", "", "", "", ""],
            ["b.png", "", "", "", "S1", "", "", "", "", 0.5],
        ],
    )
    a, b = imported("csv", source)
    assert (a.places("MF"), a.places("NMF"), b.annotations) == ([(10.25, 20)], [(30, 40)], ())
    assert (a.slide, a.scanner, a.tumour, a.species, a.dataset, a.mpp) == (
        "S1", "Aperio", "breast", "human", "ward", (0.25, 0.25),
    )  # fmt: skip
    assert (b.slide, b.dataset, b.mpp) == ("S1", "lab", (0.5, 0.5))


def test_a_table_with_the_four_columns_takes_each_image_for_a_slide(imported, picture, write):
    picture("a.png")
    [image] = imported("csv", write("lab.csv", [["image", "x", "y", "label"], ["a.png", 400, 0, "mitosis"]]))
    assert (image.slide, image.dataset, image.places("MF")) == ("a", "lab", [(400, 0)])  # the very corner
