# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Spectrograms
#
# **Question.** What does the audio branch receive, and does the network use it?
#
# **Answer.** Removing the audio changes AUC by
# {result}`spectrograms.audio.removed.lost`, replacing it by another person's
# audio by {result}`spectrograms.audio.replaced.lost` (a positive value is a loss).
# If the intervals contain zero, these clips give no evidence that the detector
# uses audio. From audio alone, a linear classifier attributes forged audio to the
# family that made it with an accuracy of
# {result}`spectrograms.attribution.finer`.
#
# **Needs** the prepared corpora and the full run. **Makes** Fig. 12: spectrograms
# of real clips and forgeries, their differences, the effect of removing the audio,
# and the attribution of forged audio.
#
# **You will learn** which forgeries change the audio, which shortcuts the audio
# branch could use, and how far families of forged audio can be distinguished.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from dataclasses import replace

import numpy as np
import pandas as pd

from amdd.analysis.audio_attribution import LEAST_PEOPLE, accuracy_by_family
from amdd.analysis.audio_attribution import attribute, spectrum_features, traces
from amdd.analysis.condition_tables import altered_table
from amdd.analysis.pairs import mel_differences, mel_gap, own_reals, quiet_frames
from amdd.companion.notebook import open_notebook
from amdd.data.variants.audio import can_be_exchanged, with_foreign_audio
from amdd.data.variants.audio import with_silence, without_audio
from amdd.data.spectrograms import mel_spectrogram
from amdd.figures.detection import confusion
from amdd.figures.pictures import paired_spectrograms, spectrograms
from amdd.puppets.corpus.audio_examples import cast, examples, families_table

nb = open_notebook("spectrograms", profile, overrides)
nb.opening()

# %% [markdown]
# ## A recording and its forgeries
#
# In FakeAVCeleb's category C the audio is real, so a face swap has the spectrogram
# of its real clip. A forgery is compared with its own real clip only: the same
# person and the same recording.

# %%
clips = nb.clips()
table = clips.manifest
pairs = own_reals(table)
gaps = mel_differences(clips, pairs)
groups = gaps.groupby(["category", "generator", "audio_generator"]).difference
nb.table(
    "differences",
    groups.agg(["mean", "count"]).reset_index(),
    "Mean absolute difference between the spectrogram of a forgery and that of its "
    f"own real clip (scale from -1 to 1). {nb.note()}",
)

# %% tags=["remove-cell"]
swaps = gaps[(gaps.category == "C") & (gaps.generator != "wav2lip")].difference
forged = gaps[gaps.category.isin(["B", "D"])].difference
for key, values in (("swaps", swaps), ("forged_audio", forged)):
    found = float(values.mean()) if len(values) else "not measured"
    nb.number(key, found, n=len(values) or None)

# %%
if pairs:
    nb.show(
        "figure_12",
        paired_spectrograms(clips, pairs),
        "One forgery of each kind, its own real clip, and the difference (the form "
        f"of Fig. 12). {nb.note()}",
    )

# %% [markdown]
# The spectrograms of face swaps differ from those of their real clips by
# {result}`spectrograms.swaps` on a scale of two, those of forged audio by
# {result}`spectrograms.forged_audio`.
#
# ## Does the network use the audio?
#
# The paper uses a large audio encoder so that audio is not ignored. The trained
# network predicts its test clips four times: as they are; with masked audio,
# which takes the visual-only path; with digital silence, which the paper feeds for
# clips without audio; and with the audio of another person's clip, which is real
# speech that does not match the lips. Nothing is retrained.

# %%
run = nb.run("full")
test = np.flatnonzero((table.split == "test").to_numpy())
predictions = {"original audio": nb.predict(run, clips, test)}
if table.audio_present.to_numpy(bool)[test].any():
    predictions["no audio"] = nb.predict(run, without_audio(clips), test)
    predictions["silence"] = nb.predict(run, with_silence(clips), test)
if can_be_exchanged(table.iloc[test]):
    foreign = with_foreign_audio(clips, test, nb.seed)
    predictions["another person's audio"] = nb.predict(run, foreign, test)
own = predictions["original audio"]
losses = {name: nb.paired(own, t) for name, t in predictions.items()}

# %%
nb.table(
    "audio",
    altered_table(predictions, losses, "audio"),
    "AUC and attribution by audio input; loss of AUC with 95 % intervals over "
    f"people. {nb.note(own)}",
)

# %% tags=["remove-cell"]
names = {"removed": "no audio", "replaced": "another person's audio"}
names |= {"silent": "silence"}
for key, name in names.items():
    missing = "not measured (no audio, or one person's only)"
    nb.number(f"audio.{key}.lost", losses.get(name, missing))
pair = [predictions[name] for name in ("no audio", "silence") if name in predictions]
nb.number("audio.masked_minus_silent", nb.paired(*pair) if pair else missing)

# %% [markdown]
# ## Families of forged audio
#
# In the built-in corpus, forged audio comes from several families of methods. Those
# of `puppet-favc` are listed here; categories B and D take them in turn, and so do
# the forged segments of `puppet-lav`. The manifest names the family of each clip in
# the column `audio_generator`.

# %%
if nb.built_in:
    nb.table(
        "audio_families",
        families_table(),
        "Families of forged audio.",
    )

# %% [markdown]
# To compare families on equal terms, recordings of people of all three subsets are
# forged by every family, in the recording's own room and without video. No network
# was trained on them. The spectrograms of one person show shorter windows than the
# network receives, so that harmonics and onsets are visible.

# %% tags=["remove-stderr"]
people = cast(nb.profile.corpus) if nb.built_in else []
material = examples(nb.profile.corpus, people) if people else []
coarse = replace(nb.profile.preparation, sample_rate=16_000)
fine = replace(coarse, n_fft=512, hop_length=160)

# %%
if material:
    one = [e for e in material if e.person == people[0]]
    nb.show(
        "audio_by_family",
        spectrograms(
            {e.family: mel_spectrogram(e.audio, fine)[0] for e in one}, coarse.seconds
        ),
        "One person's recording, real and by each family of forged audio.",
    )

# %%
if material:
    rows = [{"family": e.family} | traces(e.audio) for e in material]
    nb.table(
        "audio_traces",
        pd.DataFrame(rows).groupby("family", sort=False).mean().reset_index(),
        "Mean traces by family: power of a band relative to all, change of level that "
        "nine in ten steps of 8 ms stay below, and irregularity of the spectrum from "
        f"4 to 6 kHz. {len(people)} people. Nobody has listened to the audio.",
        digits=2,
    )

# %% [markdown]
# Can the family be named from the audio? A logistic regression receives means,
# deviations and modulation spectra of a spectrogram: once of the network's, once of
# the finer one. People are held out in groups that share a voice of the neural
# synthesiser, so that neither the person nor that voice was in training. The speech
# bank's speakers may recur, in all families alike.

# %%
enough = len(people) >= LEAST_PEOPLE
named = ([e.family for e in material], [e.person for e in material])
groups, attributed = [e.group for e in material], {}
for view, settings in (("network", coarse), ("finer", fine)) if enough else ():
    mels = [mel_spectrogram(e.audio, settings)[0] for e in material]
    features = np.stack([spectrum_features(mel) for mel in mels])
    attributed[view] = attribute(features, *named, groups, nb.seed)
    nb.table(
        f"attribution_{view}",
        accuracy_by_family(attributed[view], nb.evaluation.confidence),
        f"Attribution of audio, {view} spectrogram; 95 % intervals over people.",
    )

# %%
if enough:
    nb.show(
        "attribution_confusion",
        confusion(attributed["finer"], list(dict.fromkeys(named[0]))),
        f"Attribution of audio from the finer spectrogram, {len(material)} recordings "
        f"of {len(people)} people.",
    )
else:
    print(f"{len(people)} people are too few: expected at least {LEAST_PEOPLE}")

# %% tags=["remove-cell"]
for view in ("network", "finer"):
    found = "not measured (too few people, or your own corpora)"
    if view in attributed:
        rows = attributed[view]
        found = nb.share(rows.generator == rows.attribution, rows.identity)
    nb.number(f"attribution.{view}", found)

# %% [markdown]
# The network's spectrogram allows an accuracy of
# {result}`spectrograms.attribution.network`, the finer one of
# {result}`spectrograms.attribution.finer`; with five families and real audio, chance
# is one in six. The confusion matrix shows which families are mistaken for real
# speech. The intervals are wide: each family has one recording per person, and one
# version of each method was tested. Other versions may leave other traces.
#
# ## Exercises
#
# ```{exercise} Where forged audio differs
# :label: ex-mel-bands
#
# In which mel bands does forged audio differ most from the real clip's audio?
# ```

# %% [markdown]
# ````{solution-start} ex-mel-bands
# :class: dropdown
# ````

# %% tags=["solution"]
forged = [p for p in pairs if table.category[p[0]] in ("B", "D")]
if forged:
    bands = np.mean([mel_gap(clips, *p).mean(1) for p in forged], 0)
    print(f"most in band {bands.argmax()} of {len(bands)} (0 is the lowest)")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Leading silence
# :label: ex-leading-silence
#
# In some datasets fakes begin with more silence than reals, and a network may
# learn just that. Count the frames before the audio begins, by class.
# ```

# %% [markdown]
# ````{solution-start} ex-leading-silence
# :class: dropdown
# ````

# %% tags=["solution"]
starts = [quiet_frames(clips, k) for k in range(len(table))]
pd.Series(starts).groupby(table.generator.to_numpy()).agg(["mean", "count"])

# %% [markdown]
# ````{solution-end}
# ````
