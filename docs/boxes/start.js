loadProgress();
startLesson();
if (globalThis.POOL && document.getElementById("practice")) startPractice(document.getElementById("practice"));
