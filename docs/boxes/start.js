loadProgress();
startLesson();
if (globalThis.POOL && document.getElementById("practice-room")) startPractice(document.getElementById("practice-room"));
for (const pre of document.querySelectorAll("pre")) if (pre.scrollWidth > pre.clientWidth) pre.tabIndex = 0;  // reached by keyboard
