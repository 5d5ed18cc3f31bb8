// Put into a page before its own scripts: tells when "Join now" was clicked and when the first picture of somebody
// else was on show, and what WebRTC and the network did meanwhile. Times are milliseconds of performance.now().

window.firstFrame = new Promise((resolve) => {
  const steps = [];
  const note = (name) => steps.push([name, performance.now()]);

  const PeerConnection = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends PeerConnection {
    constructor(...options) {
      super(...options);
      note("peer connection made");
      this.addEventListener("connectionstatechange", () => note(`connection ${this.connectionState}`));
      this.addEventListener("iceconnectionstatechange", () => note(`ICE ${this.iceConnectionState}`));
      this.addEventListener("track", ({ track }) => note(`${track.kind} track`));
    }

    async setLocalDescription(...description) {
      await super.setLocalDescription(...description);
      note(`local ${this.localDescription?.type}`);
    }

    async setRemoteDescription(description) {
      await super.setRemoteDescription(description);
      note(`remote ${description.type}`);
    }
  };

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(url, ...rest) {
      super(url, ...rest);
      const what = new URL(url, location.href).pathname.replace(/\/[A-Z0-9-]{6,}/, "");
      note(`${what} asked`);
      this.addEventListener("open", () => note(`${what} open`));
      this.addEventListener("message", () => note(`${what} first message`), { once: true });
    }
  };

  const fetchOf = window.fetch;
  window.fetch = async (...asked) => {
    const method = asked[1]?.method ?? asked[0]?.method ?? "GET";
    note(`${method} asked`);
    const answer = await fetchOf(...asked);
    note(`${method} answered`);
    return answer;
  };

  addEventListener(
    "click",
    (event) => {
      if (event.target.closest("button")?.innerText.trim() !== "Join now") return;
      const clickedAt = event.timeStamp;
      const watcher = new MutationObserver(look);
      function look() {
        const video = document.querySelector("article[data-participant-id]:not([data-self]) video, video.remote");
        if (video === null) return;
        watcher.disconnect();
        note("element there");
        video.requestVideoFrameCallback(() => {
          const shownAt = performance.now();
          const taken = performance.getEntriesByType("resource").filter((entry) => entry.responseEnd > clickedAt).map((entry) => [entry.name.replace(/.*\//, "got "), entry.responseEnd]);
          resolve({ ms: shownAt - clickedAt, width: video.videoWidth, steps: [...steps, ...taken].filter(([, at]) => at >= clickedAt && at <= shownAt).map(([name, at]) => [name, at - clickedAt]) });
        });
      }
      watcher.observe(document, { childList: true, subtree: true });
      look();
    },
    { capture: true },
  );
});
