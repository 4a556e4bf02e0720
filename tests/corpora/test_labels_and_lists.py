"""What readers make of labels, people, contradictions, and of metadata as programs of all kinds write them."""

from __future__ import annotations

import csv
import json
import unicodedata

import pytest
from support.trees import FAKE, HEADER, TREES, build, touch

from amdd.corpora import CORPORA, CorpusError, scan
from amdd.corpora.tables import boolean, read_csv
from amdd.data.splits import assign_splits, leakage_report
from amdd.profiles import CorpusSettings

# --- names of classes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["non-fake", "not_fake", "nofakes", "Non Deepfake", "un-manipulated", "unaltered", "AUTHENTIC", "0_Real",
     "real (1)", "youtube_originals", "non-synthetic", "not generated", "bona-fide", "untampered", "0", "True"],
)  # fmt: skip
def test_a_name_that_may_mean_real_clips_is_refused_with_the_cure(name, tmp_path):
    build("folder", tmp_path)
    touch(tmp_path / name / "x.mp4")
    with pytest.raises(CorpusError, match="rename it to 'real'") as error:
        scan("folder", tmp_path)
    assert name in str(error.value) and "clips.csv" in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["Fake", "fakes", "StyleGAN 3", "notre-dame", "_x", "1", "10", "LivePortrait", "a.b", "Überlagerung"],
)
def test_other_names_are_generators_as_they_stand(name, tmp_path):
    build("folder", tmp_path)
    touch(tmp_path / name / "x.mp4")
    table = scan("folder", tmp_path).table
    assert table[table.clip_id == f"{name}/x.mp4"][["label", "generator"]].to_numpy().tolist() == [[1, name]]


def test_names_that_differ_in_case_or_blanks_are_one_generator(tmp_path):
    for folder in ("Fake", "fake", "FAKE ", "real", "Real"):
        touch(tmp_path / folder / "x.mp4")
    table = scan("folder", tmp_path).table
    assert table.groupby("label").generator.unique().map(list).to_dict() == {0: ["real"], 1: ["FAKE"]}
    (tmp_path / "clips.csv").write_text(
        "path,label,generator\nreal/x.mp4,real,\nFake/x.mp4,fake,XGan\nfake/x.mp4,fake,xgan\n"
    )
    assert set(scan("folder", tmp_path).generator) == {"real", "XGan"}


def test_generators_of_different_datasets_share_no_name(tmp_path):
    owners: dict[str, str] = {}
    for name in TREES:
        build(name, tmp_path / name)
        for generator in set(scan(name, tmp_path / name).generator) - {"real"}:
            assert owners.setdefault(generator, name) == name
    assert {"ff-faceswap", "wav2lip", "dfdm-faceswap"} <= set(owners)


def test_videos_of_masks_are_no_forgeries(tmp_path):
    build("faceforensics", tmp_path)
    base = tmp_path / "FaceForensics++" / "manipulated_sequences"
    for folder in ("FaceSwap/masks/videos", "DeepFakeDetection/masks/videos", "FaceSwap/c23/masks"):
        touch(base / folder / "071_054.mp4")
    manifest = scan("faceforensics", tmp_path)
    assert (manifest.label == 1).sum() == 1
    assert manifest.report["not read"].startswith("3 media files")


# --- contradictions ------------------------------------------------------------------------------------------


def test_a_forged_name_among_dfdms_reals_and_a_real_one_among_its_fakes_are_refused(tmp_path):
    build("dfdm", tmp_path)
    wrong = touch(tmp_path / "Celeb-DF-v2/Celeb-real/id1_id2_0008.mp4")
    with pytest.raises(CorpusError, match=r"id1_id2_0008\.mp4.*folder of reals.*DFDM_crf0"):
        scan("dfdm", tmp_path)
    wrong.unlink()
    touch(tmp_path / "DFDM_crf10/id1_0008.mp4")
    with pytest.raises(CorpusError, match=r"id1_0008\.mp4.*Celeb-real"):
        scan("dfdm", tmp_path)


def test_a_swap_among_vidtimits_reals_is_refused(tmp_path):
    build("deepfake_timit", tmp_path)
    touch(tmp_path / "VidTIMIT/fadg0/sa2-video-fram1.avi")
    with pytest.raises(CorpusError, match="named like a swap"):
        scan("deepfake_timit", tmp_path)


def test_the_disputed_tag_is_named_where_it_matters(tmp_path):
    build("dfdm", tmp_path)
    report = scan("dfdm", tmp_path).report
    assert "1 clips named 'original', read as fake" in report["disputed tag"]
    assert "corpus.dfdm_original" in report["disputed tag"] and "corpus.dfdm_original" in CORPORA["dfdm"].tree
    other = scan("dfdm", tmp_path, CorpusSettings(dfdm_original="real"))
    assert "read as real" in other.report["disputed tag"]


def lav(tmp_path, **entry):
    touch(tmp_path / "LAV-DF/test/1.mp4")
    whole = {"file": "test/1.mp4", "fake_periods": [], "modify_video": False, "modify_audio": False, **entry}
    (tmp_path / "LAV-DF/metadata.json").write_text(json.dumps([{"file": "test/0.mp4", **whole}, whole][1:]))
    return scan("lavdf", tmp_path)


def test_periods_without_a_modification_are_refused(tmp_path):
    with pytest.raises(CorpusError, match=r"row 0.*fake_periods.*neither"):
        lav(tmp_path, fake_periods=[[0.1, 0.4]])
    build("avdeepfake1m", tmp_path)
    file = tmp_path / "AV-Deepfake1M/val_metadata.json"
    entries = json.loads(file.read_text())
    entries[0]["fake_segments"] = [[0.1, 0.2]]
    file.write_text(json.dumps(entries))
    with pytest.raises(CorpusError, match=r"row 0.*modify_type is real"):
        scan("avdeepfake1m", tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, 1), (False, 0), ("no", 0), ("No", 0), ("yes", 1), (" TRUE ", 1), ("false", 0), (0, 0), (1, 1), (0.0, 0),
     ("1", 1), (None, 0)],
)  # fmt: skip
def test_flags_in_every_spelling(tmp_path, value, expected):
    assert lav(tmp_path, modify_video=value).label.tolist() == [expected]


@pytest.mark.parametrize("value", ["perhaps", 2, -1, [], {}, "nope", 0.5])
def test_flags_that_are_none_are_refused_with_their_row(tmp_path, value):
    with pytest.raises(CorpusError, match=r"metadata\.json, row 0: modify_video.*true, false"):
        lav(tmp_path, modify_video=value)
    with pytest.raises(CorpusError):
        boolean(value, tmp_path / "x.json", 3, "flag")


def favc(tmp_path, rows, header=HEADER):
    base = tmp_path / "FakeAVCeleb_v1.2"
    base.mkdir()
    with open(base / "meta_data.csv", "w", newline="") as handle:
        csv.writer(handle).writerows([header, *rows])
    return tmp_path


def test_method_and_type_of_fakeavceleb_agree(tmp_path):
    row = [
        "id1",
        "-",
        "-",
        "real",
        "C",
        FAKE,
        "African",
        "men",
        "1.mp4",
        f"FakeAVCeleb/{FAKE}/African/men/id1",
    ]
    with pytest.raises(CorpusError, match=r"meta_data\.csv, row 2.*contradict"):
        scan("fakeavceleb", favc(tmp_path, [row]))


# --- people --------------------------------------------------------------------------------------------------


def test_people_of_avdeepfake1m_plus_plus_are_people(tmp_path):
    names = [f"vox_celeb_2/id{p:05d}/clip{k}/{k:05d}.mp4" for p in range(6) for k in range(2)]
    names += [f"lrs3/video{k}/00001.mp4" for k in range(3)]
    names += [f"silent_videos/subject_{k}_take_{t}.mp4" for k in (1, 2, 10) for t in range(2)]
    names += ["vox_celeb_2/id00001/other/7.mp4"]
    entries = []
    for k, name in enumerate(names):
        kind = ("real", "visual_modified", "both_modified")[k % 3]
        entries.append({"file": name, "modify_type": kind, "fake_segments": []})
        touch(tmp_path / "AV-Deepfake1M++/val" / name)
    (tmp_path / "AV-Deepfake1M++/val_metadata.json").write_text(json.dumps(entries))
    manifest = scan("avdeepfake1m", tmp_path)
    people = {f"vox2:id{p:05d}" for p in range(6)} | {f"lrs3:video{k}" for k in range(3)}
    assert set(manifest.identity) == people | {f"silent:subject_{k}" for k in (1, 2, 10)}
    assert len(manifest.table[manifest.identity == "vox2:id00001"]) == 3
    split = assign_splits(manifest, CorpusSettings(real=(2, 1, 1), fake=(1, 1, 1)))
    assert (leakage_report(split)[["identities", "people in any role"]] == 0).all().all()
    assert set(split.split) == {"train", "val", "test"}


# --- listed, and not there -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fakeavceleb", "lavdf", "avdeepfake1m"])
def test_listed_and_not_found_says_where_the_first_was_looked_for(name, tmp_path):
    clips = build(name, tmp_path)
    expected = scan(name, tmp_path).report
    assert expected["listed"] >= 3 and expected["listed but missing"] == 0
    for path in tmp_path.rglob("*.mp4"):
        path.rename(tmp_path / path.name)
    with pytest.raises(CorpusError) as error:
        scan(name, tmp_path)
    message = str(error.value)
    assert f"{expected['listed']} clips are listed and none was found" in message
    first = str(clips.relative_to(tmp_path))
    assert f"looked for at {first}/" in message


def test_a_list_of_own_clips_says_the_same(tmp_path):
    (tmp_path / "clips.csv").write_text("path,label\nvideos/a.mp4,real\nvideos/b.mp4,fake\n")
    with pytest.raises(
        CorpusError, match=r"2 clips are listed and none was found.*looked for at videos/a\.mp4"
    ):
        scan("folder", tmp_path)


def test_clips_below_val_val_are_found(tmp_path):
    build("avdeepfake1m", tmp_path)
    expected = scan("avdeepfake1m", tmp_path).table
    val = tmp_path / "AV-Deepfake1M/val"
    val.rename(tmp_path / "AV-Deepfake1M/x")
    val.mkdir()
    (tmp_path / "AV-Deepfake1M/x").rename(val / "val")
    found = scan("avdeepfake1m", tmp_path).table
    assert found[["label", "identity"]].equals(expected[["label", "identity"]])


@pytest.mark.parametrize("name", ["lavdf", "avdeepfake1m", "fakeavceleb", "dfdm", "celebdf", "folder"])
def test_media_that_no_row_takes_are_counted_and_named(name, tmp_path):
    clips = build(name, tmp_path)
    (tmp_path / "clips.csv").write_text("path,label\nreal/anna.mp4,real\n") if name == "folder" else None
    rows = len(scan(name, tmp_path))
    for k in range(3):
        touch(clips / f"stranger{k}.WEBM")
    manifest = scan(name, tmp_path)
    assert len(manifest) == rows
    extra = 3 + (3 if name == "folder" else 0)
    assert manifest.report["not read"].startswith(f"{extra} media files, for example ")


@pytest.mark.parametrize(
    "header",
    [
        ["", *HEADER[:9], ""],  # an index in front, as pandas writes it
        ["Unnamed: 0", *HEADER[:9], "Unnamed: 10"],
        [*HEADER[:9], "Unnamed: 9"],
        [*HEADER[:9], "folder"],
    ],
)
def test_the_folder_column_is_known_by_its_values(tmp_path, header):
    row = ["id1", "-", "-", "real", "A", "RealVideo-RealAudio", "African", "men", "1.mp4"]
    folder = "FakeAVCeleb/RealVideo-RealAudio/Elsewhere/men/id1"
    touch(tmp_path / "FakeAVCeleb_v1.2" / folder.removeprefix("FakeAVCeleb/") / "1.mp4")
    lines = [[*(["0"] if len(header) == 11 else []), *row, folder]]
    file = tmp_path / "FakeAVCeleb_v1.2" / "meta_data.csv"
    with open(file, "w", newline="") as handle:
        csv.writer(handle).writerows([header, *lines])
    assert scan("fakeavceleb", tmp_path).identity.tolist() == ["id1"]


# --- encodings and delimiters --------------------------------------------------------------------------------

LIST = "path,label,generator\nreal/anna.mp4,real,\nxgan/anna.mp4,fake,xgan\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lists_in_every_encoding_and_with_every_delimiter(tmp_path, encoding, delimiter, ending):
    build("folder", tmp_path)
    text = LIST.replace(",", delimiter).replace("\n", ending)
    data = b"\xff\xfe" + text.encode("utf-16-le") if encoding.endswith("bom") else text.encode(encoding)
    (tmp_path / "clips.csv").write_bytes(data)
    assert scan("folder", tmp_path).generator.tolist() == ["real", "xgan"]


def test_lists_as_spreadsheets_write_them(tmp_path):
    build("folder", tmp_path)
    text = 'sep=;\r\n" Path ";LABEL;Generator\r\n\r\n;;\r\nreal/anna.mp4;Real;\r\n"xgan\\anna.mp4";1.0; xgan \r\n'
    (tmp_path / "clips.csv").write_text(text, newline="")
    manifest = scan("folder", tmp_path)
    assert manifest.table[["clip_id", "label", "generator"]].to_numpy().tolist() == [
        ["real/anna.mp4", 0, "real"],
        ["xgan/anna.mp4", 1, "xgan"],
    ]
    assert manifest.report["listed"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\nx,real\n", ["'file'", "commas", "path and label"]),
        ("path label\nx real\n", ["'path label'"]),
        ("", ["no columns"]),
        ("path;label\nx.mp4;echt\n", ["row 2", "'echt'", "real, fake"]),
        ("path,label\n,real\n", ["row 2", "path is empty"]),
        ("path,label\n../x.mp4,real\n", ["row 2", "leads out"]),
        ("path,label\n.,real\n", ["row 2", "leads out"]),
        ("path,label\nx\0.mp4,real\n", ["null bytes"]),
        ("path,label,generator\nx.mp4,real,xgan\n", ["row 2", "contradict"]),
    ],
)
def test_a_list_that_cannot_be_read_says_what_is_wrong(tmp_path, text, words):
    (tmp_path / "clips.csv").write_text(text)
    with pytest.raises(CorpusError) as error:
        scan("folder", tmp_path)
    assert all(word in str(error.value) for word in ["clips.csv", *words])


def test_text_that_is_no_utf_8_is_refused_with_the_cure(tmp_path):
    (tmp_path / "clips.csv").write_bytes("path,label\nkäthe.mp4,real\n".encode("cp1252"))
    with pytest.raises(CorpusError, match=r"byte 12.*save it as UTF-8"):
        scan("folder", tmp_path)
    with pytest.raises(CorpusError, match="can't be read"):
        read_csv(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(("listed", "stored"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_either_unicode_form_are_found(tmp_path, listed, stored):
    name = "Zoë/Käthe é.mp4"
    touch(tmp_path / unicodedata.normalize(stored, name))
    (tmp_path / "clips.csv").write_text(f"path,label\n{unicodedata.normalize(listed, name)},real\n")
    assert len(scan("folder", tmp_path)) == 1


def test_absolute_paths_below_the_root_are_accepted(tmp_path):
    build("folder", tmp_path)
    (tmp_path / "clips.csv").write_text(f"path,label\n{tmp_path}/real/anna.mp4,real\n")
    assert scan("folder", tmp_path).clip_id.tolist() == ["real/anna.mp4"]
    (tmp_path / "clips.csv").write_text("path,label\n/etc/passwd,real\n")
    with pytest.raises(CorpusError, match="leads out"):
        scan("folder", tmp_path)


def test_fakes_without_a_generator_are_one_generator_and_are_trained_on(tmp_path):
    lines = [f"{label}{k}.mp4,{label}" for k in range(6) for label in ("real", "fake")]
    for line in lines:
        touch(tmp_path / line.split(",")[0])
    (tmp_path / "clips.csv").write_text("\n".join(["path,label", *lines]))
    manifest = scan("folder", tmp_path)
    assert set(manifest.generator) == {"real", "fake"}
    assert manifest.report["without a generator"].startswith("6 fakes")
    split = assign_splits(manifest, CorpusSettings())
    assert {"real", "fake"} == set(split.table[split.split == "train"].generator)


@pytest.mark.parametrize("name", ["lavdf", "avdeepfake1m"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark(name, encoding, tmp_path):
    build(name, tmp_path)
    expected = scan(name, tmp_path).table
    file = next(tmp_path.rglob("*metadata.json"))
    file.write_bytes(file.read_text().encode(encoding))
    assert scan(name, tmp_path).table.equals(expected)


@pytest.mark.parametrize("text", ["{", "{}", "null", "7", '"x"', "[" * 100_000, "[1,]"])
@pytest.mark.parametrize("name", ["lavdf", "avdeepfake1m"])
def test_json_that_is_no_list_names_the_file(name, text, tmp_path):
    build(name, tmp_path)
    file = next(tmp_path.rglob("*metadata.json"))
    file.write_text(text)
    with pytest.raises(CorpusError, match=file.name):
        scan(name, tmp_path)
