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
# uses audio.
#
# **Needs** the prepared corpora and the full run. **Makes** Fig. 12: spectrograms
# of real clips and forgeries, their differences, and the effect of removing the
# audio.
#
# **You will learn** which forgeries are audible, and which shortcuts the audio
# branch could use.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from amdd.analysis.condition_tables import altered_table
from amdd.analysis.pairs import mel_differences, mel_gap, own_reals, quiet_frames
from amdd.companion.notebook import open_notebook
from amdd.data.variants.audio import can_be_exchanged, with_foreign_audio
from amdd.data.variants.audio import with_silence, without_audio
from amdd.figures.pictures import paired_spectrograms

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
groups = gaps.groupby(["category", "generator"]).difference
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
