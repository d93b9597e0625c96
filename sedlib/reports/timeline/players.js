"use strict";
{
  // One player at a time: in this page, and in the others that are open.
  const pauseOthers = (kept) =>
    document.querySelectorAll("audio, video").forEach((player) => player !== kept && player.pause());
  const channel = new BroadcastChannel("sedlib");
  channel.onmessage = () => pauseOthers(null);
  document.addEventListener("play", (e) => {
    pauseOthers(e.target);
    channel.postMessage("playing");
  }, true);
}
