loadProgress();
startLesson();
if (globalThis.POOL && document.getElementById("practice-room")) startPractice(document.getElementById("practice-room"));
