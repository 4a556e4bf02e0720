// The arithmetic of a vote: no page, no state. An answer is {id, fake: bool, by: name or "", confidence: 50..100}.
window.amddVoteNumbers = (() => {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const mean = (values) => (values.length ? sum(values) / values.length : NaN);

  // Student's quantile of 97.5 % by degrees of freedom; the normal one beyond.
  const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
    2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];
  const quantile = (df) => (df < 1 ? NaN : T[df - 1] ?? 1.96);

  // Mean over participants with Student's 95 % interval; no interval for fewer than three.
  const overPeople = (values) => {
    const found = values.filter((v) => !Number.isNaN(v)), n = found.length, m = mean(found);
    if (n < 3) return { value: m, n };
    const deviation = Math.sqrt(sum(found.map((v) => (v - m) ** 2)) / (n - 1));
    const half = quantile(n - 1) * deviation / Math.sqrt(n);
    return { value: m, low: m - half, high: m + half, n };
  };

  // Wilson's interval of k in n.
  const wilson = (k, n) => {
    if (!n) return { value: NaN, n };
    const z = 1.96, p = k / n, scale = 1 + z * z / n;
    const half = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
    return { value: p, low: (p + z * z / (2 * n)) / scale - half, high: (p + z * z / (2 * n)) / scale + half, n };
  };

  const forged = (clip) => clip.truth !== "real";
  const right = (clip, answer) => forged(clip) === answer.fake;
  // What a participant said as a probability of "forged".
  const probability = (answer) => (answer.fake ? answer.confidence : 100 - answer.confidence) / 100;

  // [clip, answer] of the clips that were answered, of one block or of all.
  const pairs = (clips, answers, blocks) => clips
    .filter((clip) => (!blocks || blocks.includes(clip.block)) && answers[clip.id])
    .map((clip) => [clip, answers[clip.id]]);

  const rates = (found) => {
    const reals = found.filter(([clip]) => !forged(clip)), fakes = found.filter(([clip]) => forged(clip));
    const share = (list) => mean(list.map(([clip, answer]) => Number(right(clip, answer))));
    return {
      accuracy: share(found),
      trust: share(reals),  // reals that are called real
      detected: share(fakes),
      named: mean(fakes.map(([clip, answer]) => Number(answer.fake && answer.by === clip.truth))),
      brier: mean(found.map(([clip, answer]) => (probability(answer) - Number(forged(clip))) ** 2)),
      n: found.length, reals: reals.length, fakes: fakes.length,
    };
  };

  // Rows: true classes; columns: answers; counts.
  const confusion = (found, generators) => {
    const rows = ["real", ...generators], columns = ["real", ...generators, ""];
    const counts = rows.map(() => columns.map(() => 0));
    found.forEach(([clip, answer]) => {
      const column = answer.fake ? columns.indexOf(generators.includes(answer.by) ? answer.by : "") : 0;
      counts[rows.indexOf(clip.truth)][column] += 1;
    });
    return { rows, columns, counts };
  };

  // Five bins of the stated probability of "forged": how often it was right.
  const calibration = (stated) => [0, 1, 2, 3, 4].map((k) => {
    const inside = stated.filter(([p]) => Math.min(4, Math.floor(p * 5 + 1e-9)) === k);
    return { from: k / 5, to: (k + 1) / 5, n: inside.length, stated: mean(inside.map(([p]) => p)), observed: mean(inside.map(([, y]) => y)) };
  });
  const statedBy = (found) => found.map(([clip, answer]) => [probability(answer), Number(forged(clip))]);

  // The detector, as if it had voted.
  const detector = (clips, threshold) => Object.fromEntries(clips.map((clip) => {
    const fake = clip.score >= threshold;
    const by = clip.attribution === "real" ? "" : clip.attribution;
    return [clip.id, { id: clip.id, fake, by, confidence: 100 * (fake ? clip.score : 1 - clip.score) }];
  }));

  // The two blocks without feedback in the order in which a participant saw them.
  const change = (vote, clips, key) => {
    const first = vote.order === "swapped" ? "after" : "before";
    const last = first === "before" ? "after" : "before";
    const of = (block) => rates(pairs(clips, vote.answers, [block]))[key];
    return { before: of(first), after: of(last), change: of(last) - of(first) };
  };

  // What a file holds, checked. Throws an Error that says what is wrong.
  const read = (text, index) => {
    let record;
    try { record = JSON.parse(text); } catch { throw new Error("no readable JSON; export it again from this page"); }
    const files = record && record.kind === "amdd-class" && Array.isArray(record.votes) ? record.votes : [record];
    return files.map((vote) => {
      if (!vote || vote.kind !== "amdd-vote") throw new Error("not a vote of this page");
      if (vote.key !== index.key) throw new Error("a vote on other clips, from another build of the book");
      if (typeof vote.participant !== "string" || !/^[\w-]{4,40}$/.test(vote.participant)) throw new Error("no valid participant code");
      const answers = {}, given = Array.isArray(vote.answers) ? vote.answers : [];
      given.forEach((a) => {
        const known = index.clips.some((clip) => clip.id === a?.id);
        const confidence = Number(a?.confidence);
        if (!known || typeof a.fake !== "boolean" || !(confidence >= 50 && confidence <= 100)) throw new Error("an answer that no clip of this page allows");
        answers[a.id] = { id: a.id, fake: a.fake, by: String(a.by ?? ""), confidence };
      });
      if (!Object.keys(answers).length) throw new Error("a vote without answers");
      return { participant: vote.participant, order: vote.order === "swapped" ? "swapped" : "straight", answers };
    });
  };

  return { mean, overPeople, wilson, forged, right, pairs, rates, confusion, calibration, statedBy, detector, change, read };
})();
