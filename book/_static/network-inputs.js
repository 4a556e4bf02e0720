// What the network in the page takes: crops and spectrogram of a clip, corruptions of crops, a film of one's own.
window.amddNetworkInputs = (() => {
  // --- sound -----------------------------------------------------------------------------------------------------

  // Fast Fourier transform in place; the length is a power of two.
  const transform = (re, im) => {
    const n = re.length;
    for (let i = 1, j = 0; i < n; i += 1) {
      let bit = n >> 1;
      for (; j & bit; bit >>= 1) j ^= bit;
      j ^= bit;
      if (i < j) {
        [re[i], re[j]] = [re[j], re[i]];
        [im[i], im[j]] = [im[j], im[i]];
      }
    }
    for (let size = 2; size <= n; size *= 2) {
      for (let k = 0; k < size / 2; k += 1) {
        const angle = (-2 * Math.PI * k) / size, c = Math.cos(angle), s = Math.sin(angle);
        for (let i = k; i < n; i += size) {
          const j = i + size / 2, a = re[j] * c - im[j] * s, b = re[j] * s + im[j] * c;
          re[j] = re[i] - a;
          im[j] = im[i] - b;
          re[i] += a;
          im[i] += b;
        }
      }
    }
  };

  const toMel = (hertz) => 2595 * Math.log10(1 + hertz / 700);
  const toHertz = (mel) => 700 * (10 ** (mel / 2595) - 1);

  // Triangles of the HTK scale, as torchaudio's: (bins, n_mels), without normalisation.
  const filters = ({ sample_rate: rate, n_fft: size, n_mels: count }) => {
    const bins = size / 2 + 1, top = toMel(rate / 2);
    const points = Array.from({ length: count + 2 }, (_, k) => toHertz((top * k) / (count + 1)));
    return Array.from({ length: count }, (_, m) => Float64Array.from({ length: bins }, (_, k) => {
      const f = (k * rate) / size;
      const up = (f - points[m]) / (points[m + 1] - points[m]), down = (points[m + 2] - f) / (points[m + 2] - points[m + 1]);
      return Math.max(0, Math.min(up, down));
    }));
  };

  // Log-mel spectrogram in [-1, 1], row by row (n_mels, frames): amdd.data.spectrograms.mel_spectrogram.
  const mel = (samples, settings) => {
    const { seconds, sample_rate: rate, n_fft: size, hop_length: hop, n_mels: count, top_db: range } = settings;
    const length = Math.round(seconds * rate), columns = Math.floor(length / hop) + 1, half = size / 2;
    const audio = new Float64Array(length);
    audio.set(samples.subarray(0, length));
    const found = new Float32Array(count * columns).fill(-1);
    if (!audio.some((v) => Math.abs(v) > 1e-7)) return found;
    const at = (k) => audio[k < 0 ? -k : k >= length ? 2 * length - 2 - k : k];
    const window = Float64Array.from({ length: size }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / size));
    const triangles = filters(settings), power = new Float64Array(count * columns);
    for (let t = 0; t < columns; t += 1) {
      const re = Float64Array.from(window, (w, k) => w * at(t * hop - half + k)), im = new Float64Array(size);
      transform(re, im);
      triangles.forEach((triangle, m) => {
        let sum = 0;
        for (let k = 0; k <= half; k += 1) if (triangle[k]) sum += triangle[k] * (re[k] ** 2 + im[k] ** 2);
        power[m * columns + t] = 10 * Math.log10(Math.max(sum, 1e-10));
      });
    }
    const loudest = power.reduce((a, b) => Math.max(a, b));
    power.forEach((v, k) => { found[k] = Math.max(-1, (Math.max(v - loudest, -range) * 2) / range + 1); });
    return found;
  };

  const drawMel = (canvas, values, rows, columns) => {
    Object.assign(canvas, { width: columns, height: rows });
    const picture = new ImageData(columns, rows);
    values.forEach((v, k) => {
      const row = rows - 1 - Math.floor(k / columns), place = 4 * (row * columns + (k % columns)), u = (v + 1) / 2;
      picture.data.set([255 * Math.min(1, 1.6 * u), 255 * u ** 1.5, 255 * (0.25 + 0.5 * Math.sin(Math.PI * u)), 255], place);
    });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  };

  // --- pictures --------------------------------------------------------------------------------------------------

  const blank = (size) => Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
  const filtered = (canvas, filter) => {
    const out = blank(canvas.width), ctx = pen(out);
    ctx.drawImage(canvas, 0, 0); // below, for the edges, where a blur lets through
    ctx.filter = filter;
    ctx.drawImage(canvas, 0, 0);
    return out;
  };
  const random = (seed) => () => { // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  const KINDS = {
    blur: { label: "blur", change: (canvas, s) => filtered(canvas, `blur(${4 * s}px)`) },
    contrast: { label: "less contrast", change: (canvas, s) => filtered(canvas, `contrast(${1 - 0.8 * s})`) },
    saturation: { label: "less colour", change: (canvas, s) => filtered(canvas, `saturate(${1 - s})`) },
    pixelation: {
      label: "pixelation",
      change: (canvas, s) => {
        const small = blank(Math.max(8, Math.round(canvas.width / (1 + 5 * s)))), out = blank(canvas.width);
        pen(small).drawImage(canvas, 0, 0, small.width, small.width);
        pen(out).drawImage(small, 0, 0, out.width, out.width);
        return out;
      },
    },
    noise: {
      label: "noise",
      change: (canvas, s, k) => {
        const out = filtered(canvas, "none"), ctx = pen(out), picture = ctx.getImageData(0, 0, out.width, out.height);
        const next = random(k + 1);
        for (let i = 0; i < picture.data.length; i += 1) {
          if (i % 4 === 3) continue;
          const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
          picture.data[i] += 60 * s * normal;
        }
        ctx.putImageData(picture, 0, 0);
        return out;
      },
    },
    compression: {
      label: "JPEG compression",
      change: async (canvas, s) => {
        const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9 - 0.88 * s));
        const picture = await createImageBitmap(blob), out = blank(canvas.width);
        pen(out).drawImage(picture, 0, 0);
        return out;
      },
    },
  };

  const corrupted = (crops, kind, strength) =>
    strength > 0 ? Promise.all(crops.map((canvas, k) => KINDS[kind].change(canvas, strength, k))) : Promise.resolve(crops);

  // Crops of a strip (S, T x S), one canvas each.
  const cropsOf = async (blob, size) => {
    const strip = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    return Array.from({ length: strip.width / size }, (_, k) => {
      const canvas = blank(size);
      pen(canvas).drawImage(strip, k * size, 0, size, size, 0, 0, size, size);
      return canvas;
    });
  };

  // (T, 3, S, S) as the network takes them.
  const tensorOf = (crops, mean, std) => {
    const size = crops[0].width, plane = size * size, found = new Float32Array(crops.length * 3 * plane);
    crops.forEach((canvas, t) => {
      const { data } = pen(canvas).getImageData(0, 0, size, size);
      for (let k = 0; k < plane; k += 1) {
        for (let c = 0; c < 3; c += 1) found[(3 * t + c) * plane + k] = (data[4 * k + c] / 255 - mean[c]) / std[c];
      }
    });
    return found;
  };

  // --- a film of one's own ---------------------------------------------------------------------------------------

  const opened = (file) => new Promise((done, failed) => {
    const film = document.createElement("video");
    Object.assign(film, { muted: true, preload: "auto", src: URL.createObjectURL(file) });
    film.onloadeddata = () => done(film);
    film.onerror = () => failed(new Error(`${file.name}: this browser cannot play it`));
  });

  const shownAt = (film, seconds) => new Promise((done, failed) => {
    film.onseeked = () => done(film);
    film.onerror = () => failed(new Error("the film breaks off"));
    film.currentTime = seconds;
  });

  // The square (centre x and y: shares of width and height; side: share of the width) of `count` frames in the first seconds.
  const cropsOfFilm = async (film, square, size, count, seconds) => {
    const length = Math.min(seconds, Number.isFinite(film.duration) ? film.duration : seconds), crops = [];
    for (let k = 0; k < count; k += 1) {
      await shownAt(film, ((k + 0.5) * length) / count);
      const canvas = blank(size), side = square.side * film.videoWidth;
      const [x, y] = [square.x * film.videoWidth - side / 2, square.y * film.videoHeight - side / 2];
      pen(canvas).imageSmoothingQuality = "high";
      pen(canvas).drawImage(film, x, y, side, side, 0, 0, size, size);
      crops.push(canvas);
    }
    return crops;
  };

  // Mono samples of the first seconds at the network's rate; null where the file has no sound that can be decoded.
  const soundOf = async (file, { seconds, sample_rate: rate }) => {
    try {
      const context = new OfflineAudioContext(1, Math.round(seconds * rate), rate);
      const source = context.createBufferSource();
      source.buffer = await context.decodeAudioData(await file.arrayBuffer());
      source.connect(context.destination);
      source.start();
      return (await context.startRendering()).getChannelData(0);
    } catch {
      return null;
    }
  };

  return { KINDS, mel, drawMel, corrupted, cropsOf, tensorOf, opened, shownAt, cropsOfFilm, soundOf };
})();
