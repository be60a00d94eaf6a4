// Optional: the page does all of this without a script, only less comfortably.
(() => {
  const loop = document.querySelector("video[loop]");
  if (loop && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    loop.muted = true;
    loop.play().catch(() => {});
  }

  const sharing = document.querySelector(".sharing");
  if (!sharing) return;
  const { file, name, title, type, url } = sharing.dataset;
  const summary = sharing.querySelector("summary");
  const field = sharing.querySelector("input");
  const copy = sharing.querySelector("[data-copied]");
  const native = sharing.querySelector("[data-native]");
  const link = navigator.connection || {};

  const asFile = (blob) => new File([blob], name, { type });
  const takesFiles = () => {
    try { return file && navigator.canShare({ files: [asFile("")] }); } catch { return false; }
  };

  // The file must be there before the tap: browsers forget quickly that somebody tapped.
  let loading;
  const load = () => loading ||= fetch(file)
    .then((answer) => answer.ok ? answer.blob() : Promise.reject())
    .then(asFile)
    .catch(() => { loading = null; });

  if (navigator.share) {
    const files = takesFiles();
    const share = () => Promise.race([files ? load() : null, new Promise((late) => setTimeout(late, 900))])
      .then((photo) => navigator.share(photo ? { files: [photo], title } : { title, url }))
      .catch((error) => { if (error.name !== "AbortError") sharing.open = true; });
    if (files) sharing.addEventListener("pointerdown", load);
    if (matchMedia("(pointer: coarse)").matches) {
      if (files && !link.saveData && !/2g|3g/.test(link.effectiveType)) addEventListener("load", () => setTimeout(load, 500));
      summary.addEventListener("click", (event) => {
        if (sharing.open) return;
        event.preventDefault();
        share();
      });
    } else {
      native.parentNode.hidden = false;
      native.addEventListener("click", share);
    }
  }

  field.addEventListener("focus", () => field.select());
  if (navigator.clipboard) {
    const label = copy.querySelector("span");
    const before = label.textContent;
    copy.hidden = false;
    copy.addEventListener("click", () => navigator.clipboard.writeText(url).then(() => {
      label.textContent = copy.dataset.copied;
      setTimeout(() => { label.textContent = before; }, 2000);
    }, () => field.select()));
  }

  addEventListener("click", (event) => {
    if (!sharing.contains(event.target)) sharing.open = false;
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && sharing.open) {
      sharing.open = false;
      summary.focus();
    }
  });
})();
