document.addEventListener("input", function (event) {
  var slider = event.target;
  if (!slider.classList.contains("threshold")) return;
  var section = slider.closest("section"), at = Number(slider.value), p = Number(slider.dataset.probability);
  section.querySelector(".at").textContent = at.toFixed(2);
  section.querySelector(".called").textContent = p >= at ? "forged" : 1 - p >= at ? "real" : "can't tell";
});
