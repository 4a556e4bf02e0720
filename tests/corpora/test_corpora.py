"""Readers on trees with the real data sets' names, metadata and quirks, built here of empty files."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from amdd.corpora import COLUMNS, CORPORA, CorpusError, Manifest, describe, scan
from amdd.profiles import CorpusSettings
from amdd.stats import people_in

HEADER = ["source", "target1", "target2", "method", "category", "type", "race", "gender", "path", ""]
REAL, FAKE = "RealVideo-RealAudio", "FakeVideo-RealAudio"
SOUND, BOTH = "RealVideo-FakeAudio", "FakeVideo-FakeAudio"
ROWS = [
    ("id00076", "-", "-", "real", "A", REAL, "African", "men", "00109.mp4"),
    ("id00166", "-", "-", "real", "A", REAL, "Asian (East)", "men", "00010.mp4"),
    ("id00076", "fake.mp4", "-", "rtvc", "B", SOUND, "African", "men", "00109_fake.mp4"),
    ("id00076", "id00166", "-", "wav2lip", "C", FAKE, "African", "men", "00109_id00166_wavtolip.mp4"),
    ("id00076", "id00166", "U8", "fsgan", "C", FAKE, "African", "men", "00109_id00166_QMUrCG2U8x4.mp4"),
    ("id00166", "2.mp4", "-", "faceswap", "C", FAKE, "Asian (East)", "men", "00010_2.mp4"),
    ("id00166", "id00076", "-", "wav2lip", "D", BOTH, "Asian (East)", "men", "00010_id00076_wavtolip.mp4"),
]


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def favc(root, rows=ROWS, header=HEADER, rename=lambda folder: folder, last=None):
    base = root / "FakeAVCeleb_v1.2"
    base.mkdir(parents=True)
    with open(base / "meta_data.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        for row in rows:
            source, kind, race, gender, name = row[0], row[5], row[6], row[7], row[8]
            folder = f"FakeAVCeleb/{kind}/{race}/{gender}/{source}"
            writer.writerow([*row, folder if last is None else last])
            touch(base / kind / rename(race) / gender / source / name)
    return root


def test_fakeavceleb_as_shipped(tmp_path):
    manifest = scan("fakeavceleb", favc(tmp_path))
    table = manifest.table
    assert [*table.columns[: len(COLUMNS)]] == [*COLUMNS]
    assert len(table) == len(ROWS)
    by = table.set_index(table.video.str.rsplit("/").str[-1])
    assert by.generator["00109_id00166_wavtolip.mp4"] == "wav2lip"
    assert by.donor["00109_id00166_QMUrCG2U8x4.mp4"] == "id00166"
    assert by.donor["00010_2.mp4"] == ""
    assert list(table.category.value_counts().sort_index()) == [2, 1, 3, 1]
    labels = table.groupby("category")[["video_label", "audio_label"]].first()
    assert labels.to_dict("index") == {
        "A": {"video_label": 0, "audio_label": 0},
        "B": {"video_label": 0, "audio_label": 1},
        "C": {"video_label": 1, "audio_label": 0},
        "D": {"video_label": 1, "audio_label": 1},
    }
    assert "not read" not in manifest.report and manifest.report["listed but missing"] == 0


@pytest.mark.parametrize(
    "rename",
    [
        lambda race: race.replace(" (", "_").replace(")", ""),
        lambda race: race.replace(" (", "-").replace(")", ""),
        lambda race: race.lower().replace(" ", ""),
    ],
)
def test_fakeavceleb_with_renamed_race_folders(tmp_path, rename):
    assert len(scan("fakeavceleb", favc(tmp_path, rename=rename))) == len(ROWS)


@pytest.mark.parametrize(
    "header",
    [
        [*HEADER[:8], "filename", "path"],
        [*HEADER[:8], "path", "path2"],
        [*HEADER[:8], "path", "Unnamed: 9"],
        HEADER[:9],  # nine names over ten values
    ],
)
def test_fakeavceleb_with_renamed_or_missing_headers(tmp_path, header):
    manifest = scan("fakeavceleb", favc(tmp_path, header=header))
    table = manifest.table
    assert len(table) == len(ROWS)
    assert set(table.identity) == {"id00076", "id00166"}


def test_fakeavceleb_rows_that_stand_twice_are_left_out_of_attribution(tmp_path):
    twice = (*ROWS[6][:3], "faceswap-wav2lip", *ROWS[6][4:])
    manifest = scan("fakeavceleb", favc(tmp_path, [*ROWS, twice]))
    table = manifest.table
    assert len(table) == len(ROWS)
    assert table[table.category == "D"].generator.tolist() == ["unknown"]
    assert manifest.report["listed twice"] == 1


def test_fakeavceleb_says_what_is_missing_and_what_is_extra(tmp_path):
    root = favc(tmp_path)
    gone = next(root.rglob("00109_fake.mp4"))
    gone.unlink()
    touch(gone.with_name("surprise.mp4"))
    report = scan("fakeavceleb", root).report
    assert report["listed but missing"] == 1
    assert report["examples of missing"][0].endswith("00109_fake.mp4")
    assert report["not read"].startswith("1 media files") and report["not read"].endswith("surprise.mp4")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda r: [*r[:3], "stylegan", *r[4:]], "stylegan"),
        (lambda r: [*r[:5], "RealVideo-NoAudio", *r[6:]], "RealVideo-NoAudio"),
        (lambda r: [*r[:8], "../../../etc/passwd"], "leads out"),
        (lambda r: [*r[:8], "x" * 400], "too long"),
    ],
)
def test_fakeavceleb_errors_name_file_row_and_cure(tmp_path, change, word):
    root = favc(tmp_path)
    path = root / "FakeAVCeleb_v1.2" / "meta_data.csv"
    lines = list(csv.reader(path.open(newline="")))
    lines[3][:9] = change(lines[3][:9])
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows(lines)
    with pytest.raises(CorpusError, match=word) as error:
        scan("fakeavceleb", root)
    assert "meta_data.csv, row 4" in str(error.value)


def timit(root):
    for subject, donor in (("fadg0", "fram1"), ("fram1", "fadg0"), ("mabw0", "mbdg0")):
        for quality in ("higher_quality", "lower_quality"):
            clip = touch(root / "DeepfakeTIMIT" / quality / subject / f"sa1-video-{donor}.avi")
            if subject == "fadg0":
                touch(clip.with_suffix(".wav"))
            if subject == "fram1":
                touch(clip.with_name("sa1.wav"))
        touch(root / "VidTIMIT" / subject / "video" / "sa1" / "001")
        touch(root / "VidTIMIT" / subject / "video" / "head" / "001")
        touch(root / "VidTIMIT" / subject / "audio" / "sa1.wav")
    touch(root / "VidTIMIT" / "mzzz9" / "video" / "sa1" / "001")
    return root


def test_deepfake_timit_finds_sound_under_each_of_its_names(tmp_path):
    manifest = scan("deepfake_timit", timit(tmp_path))
    table = manifest.table
    assert table.quality.value_counts().to_dict() == {"hq": 3, "lq": 3, "real": 3}
    assert table.has_audio.all()
    sound = table[table.quality == "hq"].set_index("identity").audio
    assert sound["fadg0"].endswith("higher_quality/fadg0/sa1-video-fram1.wav")
    assert sound["fram1"].endswith("higher_quality/fram1/sa1.wav")
    assert sound["mabw0"].endswith("VidTIMIT/mabw0/audio/sa1.wav")
    assert "head" not in " ".join(table.video)
    assert "mzzz9" not in set(table.identity), "subjects without fakes are not reals of this set"


def test_dfdm_classifies_by_tag_and_has_a_switch_for_the_disputed_one(tmp_path):
    tags = ("1original", "2lightweight", "3iae", "4dfaker", "5dflh128")
    for quality in (0, 10, 23):
        for tag in tags:
            touch(tmp_path / f"DFDM_crf{quality}" / "sub" / f"id28_id20_0008_{tag}.mp4")
    touch(tmp_path / "Celeb-DF-v2" / "Celeb-real" / "id28_0008.mp4")
    manifest = scan("dfdm", tmp_path)
    table = manifest.table
    assert table.quality.value_counts().to_dict() == {"crf0": 5, "crf10": 5, "crf23": 5, "real": 1}
    assert table[table.label == 1].generator.nunique() == 5
    assert not table.has_audio.any()
    other = CorpusSettings(dfdm_original="real")
    assert (scan("dfdm", tmp_path, other).label == 0).sum() == 4
    assert "corpus.dfdm_original" in CORPORA["dfdm"].tree
    touch(tmp_path / "DFDM_crf0" / "id1_id2_0001_9diffusion.mp4")
    with pytest.raises(CorpusError, match="9diffusion"):
        scan("dfdm", tmp_path)


LAV = [
    {
        "file": "test/000001.mp4",
        "n_fakes": 0,
        "fake_periods": [],
        "modify_video": False,
        "modify_audio": False,
    },
    {"file": "test/000002.mp4", "fake_periods": [[1.0, 1.5]], "modify_video": True, "modify_audio": True},
    {"file": "dev/000003.mp4", "fake_periods": [[0, 0.4]], "modify_video": True, "modify_audio": False},
    {"file": "dev/000009.mp4", "fake_periods": [], "modify_video": False, "modify_audio": True},
]


@pytest.mark.parametrize("name", ["metadata.json", "metadata.min.json"])
def test_lavdf_takes_labels_and_periods_from_its_metadata(tmp_path, name):
    base = tmp_path / "LAV-DF"
    for entry in LAV[:3]:
        touch(base / entry["file"])
    (base / name).write_text(json.dumps([{**e, "split": e["file"].split("/")[0]} for e in LAV]))
    manifest = scan("lavdf", tmp_path)
    table = manifest.table
    assert table.generator.tolist() == ["lav-video", "real", "lav-both"]
    assert json.loads(table.fake_periods.iloc[2]) == [[1.0, 1.5]]
    assert manifest.report["listed but missing"] == 1


def test_lavdf_versions_of_one_recording_share_its_name(tmp_path):
    """Nobody is named there: four versions of one recording are one independent unit."""
    entries = [
        {"file": "test/1.mp4", "original": None},
        {"file": "test/2.mp4", "original": "test/1.mp4", "modify_video": True, "fake_periods": [[0, 1]]},
        {"file": "test/3.mp4", "original": "", "modify_audio": True},
        {"file": "test/4.mp4", "original": 7},
    ]
    for entry in entries:
        touch(tmp_path / "LAV-DF" / entry["file"])
    (tmp_path / "LAV-DF" / "metadata.json").write_text(json.dumps(entries))
    table = scan("lavdf", tmp_path).table
    assert table.recording.tolist() == ["test/1.mp4", "test/1.mp4", "test/3.mp4", "test/4.mp4"]
    assert people_in(table) == 3
    assert people_in(table.drop(columns="recording")) == 4


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"file": "../x.mp4"}, "leads out"),
        ({"file": "/etc/passwd"}, "leads out"),
        ({"file": "test/1.mp4", "fake_periods": [[3, 1]]}, "start before end"),
        ({"file": "test/1.mp4", "fake_periods": [[float("nan"), 1]]}, "start before end"),
        ({"file": "test/1.mp4", "fake_periods": "all"}, "pairs"),
        ({"path": "test/1.mp4"}, "without a file"),
        (7, "without a file"),
    ],
)
def test_lavdf_errors_name_the_entry(tmp_path, entry, word):
    (tmp_path / "metadata.json").write_text(json.dumps([entry]))
    with pytest.raises(CorpusError, match=word):
        scan("lavdf", tmp_path)


def test_faceforensics_reads_compressions_and_official_splits(tmp_path):
    base = tmp_path / "FaceForensics++"
    touch(base / "original_sequences/youtube/c23/videos/071.mp4")
    touch(base / "original_sequences/actors/c23/videos/01__walking.mp4")
    touch(base / "manipulated_sequences/Deepfakes/c23/videos/071_054.mp4")
    touch(base / "manipulated_sequences/Deepfakes/c40/videos/071_054.mp4")
    touch(base / "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__walking__ABC.mp4")
    (base / "splits").mkdir()
    (base / "splits/train.json").write_text('[["071", "054"]]')
    manifest = scan("faceforensics", tmp_path)
    table = manifest.table
    assert table.quality.value_counts().to_dict() == {"c23": 4, "c40": 1}
    fake = table[table.generator == "ff-deepfakes"].iloc[0]
    assert (fake.identity, fake.donor, fake.official_split) == ("youtube-071", "youtube-054", "train")
    assert table[table.generator == "ff-deepfakedetection"].identity.tolist() == ["actors-01"]
    touch(base / "manipulated_sequences/Deepfakes/c23/videos/what.mp4")
    with pytest.raises(CorpusError, match=r"what\.mp4"):
        scan("faceforensics", tmp_path)


def test_celebdf_marks_the_official_test_clips(tmp_path):
    base = tmp_path / "Celeb-DF-v2"
    touch(base / "Celeb-real/id0_0000.mp4")
    touch(base / "YouTube-real/00012.mp4")
    touch(base / "Celeb-synthesis/id0_id1_0000.mp4")
    (base / "List_of_testing_videos.txt").write_text(
        "1 YouTube-real/00012.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"
    )
    table = scan("celebdf", tmp_path).table.set_index("quality")
    assert table.official_split.to_dict() == {
        "Celeb-real": "train",
        "YouTube-real": "test",
        "Celeb-synthesis": "test",
    }
    assert table.donor["Celeb-synthesis"] == "id1"
    (base / "List_of_testing_videos.txt").write_text("1 ../../x.mp4\n")
    with pytest.raises(CorpusError, match="row 1"):
        scan("celebdf", tmp_path)


def test_avdeepfake1m_reads_each_kind_and_where_it_was_forged(tmp_path):
    base = tmp_path / "AV-Deepfake1M"
    kinds = ("real", "visual_modified", "audio_modified", "both_modified")
    entries = []
    for k, kind in enumerate(kinds):
        name = f"id0000{k}/abc/{k:05d}.mp4"
        entries.append({"file": name, "modify_type": kind, "fake_segments": [[0.2, 0.5]] if k else []})
        touch(base / "val" / name)
    (base / "val_metadata.json").write_text(json.dumps(entries))
    manifest = scan("avdeepfake1m", tmp_path)
    table = manifest.table
    assert table.generator.tolist() == ["real", "av1m-video", "av1m-audio", "av1m-both"]
    assert table.audio_label.tolist() == [0, 0, 1, 1]
    assert table.identity.nunique() == 4
    (base / "val_metadata.json").write_text(json.dumps([{**entries[0], "modify_type": "guessed"}]))
    with pytest.raises(CorpusError, match="guessed"):
        scan("avdeepfake1m", tmp_path)


def test_a_folder_of_ones_own_by_class_or_by_csv(tmp_path):
    touch(tmp_path / "real/a.mp4")
    touch(tmp_path / "mine/b.mov")
    touch(tmp_path / "mine/notes.txt")
    manifest = scan("folder", tmp_path)
    table = manifest.table
    assert table.generator.tolist() == ["mine", "real"]
    assert table.label.tolist() == [1, 0]
    (tmp_path / "clips.csv").write_text(
        "path,label,generator,identity\nmine/b.mov,fake,xgan,anna\nreal/a.mp4,real,,\n"
    )
    manifest = scan("folder", tmp_path)
    table = manifest.table
    assert table.generator.tolist() == ["xgan", "real"]
    (tmp_path / "clips.csv").write_text("path,label\nmine/b.mov,perhaps\n")
    with pytest.raises(CorpusError, match=r"clips\.csv, row 2"):
        scan("folder", tmp_path)


def test_every_reader_refuses_an_empty_folder_with_the_tree_it_wants(tmp_path):
    for name in CORPORA:
        with pytest.raises(CorpusError) as error:
            scan(name, tmp_path)
        assert str(error.value).count(";") >= 1
    with pytest.raises(CorpusError, match="no such folder"):
        scan("dfdm", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="fakeavceleb"):
        scan("fakeavcelebs", tmp_path)


def test_built_in_corpora_are_read_by_the_readers_of_the_real_ones(smoke):
    for name, fakes in {"puppet-favc": 6, "puppet-timit": 2, "puppet-dfdm": 5, "puppet-lav": 3}.items():
        manifest = scan(name, smoke.corpora / name)
        table = manifest.table
        truth = pd.read_parquet(smoke.corpora / name / "truth" / "truth.parquet")
        assert set(table.clip_id) == set(truth.path)
        both = table.merge(truth, left_on="clip_id", right_on="path", suffixes=("", "_truth"))
        assert ((both.generator != "real") == (both.label == 1)).all()
        assert table[table.label == 1].generator.nunique() >= min(fakes, 3) - 2
        assert all(not v for k, v in manifest.report.items() if "missing" in k and k != "examples of missing")


def test_a_description_has_what_was_found_and_what_was_expected(tmp_path):
    report = {"found": {"A": 1200, "C": 2}, "examples of missing": [], "missing": 3}
    lines = describe(Manifest(pd.DataFrame({"label": [0, 1, 1]}), tmp_path, report)).splitlines()
    assert lines[0] == "3 clips: 1 real, 2 fake"
    assert lines[1].split() == ["found", "A", "1,200,", "C", "2"]
    assert lines[2].split() == ["missing", "3"]
    assert len(lines) == 3


@pytest.mark.parametrize("name", ["Real", "REAL", " real "])
def test_reals_of_ones_own_are_reals_however_they_are_written(tmp_path, name):
    for folder in (name, "MyGen"):
        touch(tmp_path / folder / "anna.mp4")
    table = scan("folder", tmp_path).table.set_index("generator")
    assert table.label.to_dict() == {"real": 0, "MyGen": 1}


@pytest.mark.parametrize(
    "name", ["0_real", "real_videos", "Originals", "genuine", "bona fide", "Pristine", "bonafide"]
)
def test_a_folder_that_may_hold_reals_is_refused_rather_than_taken_for_a_generator(tmp_path, name):
    for folder in (name, "MyGen"):
        touch(tmp_path / folder / "anna.mp4")
    with pytest.raises(CorpusError, match="rename it to 'real'") as error:
        scan("folder", tmp_path)
    assert name in str(error.value)


def test_a_corpus_without_one_class_and_files_that_were_not_read_are_reported(tmp_path):
    touch(tmp_path / "MyGen" / "anna.MP4")
    touch(tmp_path / "MyGen" / "deeper" / "ben.mp4")
    touch(tmp_path / "stray.webm")
    touch(tmp_path / "MyGen" / "._anna.mp4")
    report = scan("folder", tmp_path).report
    assert report["without"] == "no real clips"
    assert report["not read"] == "2 media files, for example MyGen/deeper/ben.mp4, stray.webm"
    touch(tmp_path / "real" / "anna.mp4")
    assert "without" not in scan("folder", tmp_path).report


def test_label_and_generator_of_a_list_agree(tmp_path):
    touch(tmp_path / "a.mp4")
    (tmp_path / "clips.csv").write_text("path,label,generator\na.mp4,fake,real\n")
    with pytest.raises(CorpusError, match="row 2"):
        scan("folder", tmp_path)
    (tmp_path / "clips.csv").write_text("path,label,generator\na.mp4,REAL,\n\n ,,\nb.mp4,1.0,MyGen\n")
    manifest = scan("folder", tmp_path)
    assert manifest.table[["label", "generator"]].to_numpy().tolist() == [[0, "real"]]
    assert manifest.report["examples of missing"] == ["b.mp4"]
