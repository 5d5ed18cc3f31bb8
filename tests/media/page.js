// A participant on LiveKit's unmodified JavaScript SDK. The test tells it what to do over a WebSocket:
// each message is a method of `page` with arguments, each answer what came of it.

const { Room, RoomEvent, Track, VideoPresets } = LivekitClient;

const page = {
  room: null,
  events: [],

  async join(url, token, options) {
    page.room = new Room({ adaptiveStream: false, dynacast: true, ...options });
    for (const name of [RoomEvent.Reconnecting, RoomEvent.Reconnected, RoomEvent.SignalReconnecting, RoomEvent.Disconnected]) {
      page.room.on(name, () => page.events.push(name));
    }
    await page.room.connect(url, token, { maxRetries: 0 });
    return page.room.localParticipant.sid;
  },

  async leave() {
    await page.room.disconnect();
  },

  /** Publishes the fake camera in layers, the fake microphone, and a canvas as the screen. */
  async publish() {
    const me = page.room.localParticipant;
    await page.publishCameraAndMicrophone();
    await page.publishScreen();
    return [...me.trackPublications.values()].map((publication) => publication.source).sort();
  },

  /** Publishes a canvas as the screen, in one encoding. */
  async publishScreen() {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const pen = canvas.getContext("2d");
    let frame = 0;
    setInterval(() => {
      pen.fillStyle = frame++ % 2 ? "rgb(20,160,20)" : "rgb(24,164,24)";
      pen.fillRect(0, 0, 320, 240);
    }, 66);
    const [track] = canvas.captureStream(15).getVideoTracks();
    await page.room.localParticipant.publishTrack(track, { source: Track.Source.ScreenShare, simulcast: false });
  },

  /** Publishes the fake camera in layers and the fake microphone. */
  async publishCameraAndMicrophone() {
    const me = page.room.localParticipant;
    // A busy machine may cost frames, not size: the tests look at sizes.
    await me.setCameraEnabled(true, { resolution: VideoPresets.h360.resolution }, { degradationPreference: "maintain-resolution" });
    await me.setMicrophoneEnabled(true);
    return me.trackPublications.size;
  },

  /** Publishes the fake camera in a codec that not everybody has. */
  async publishCameraIn(videoCodec) {
    await page.room.localParticipant.setCameraEnabled(true, { resolution: VideoPresets.h360.resolution }, { videoCodec, backupCodec: true });
  },

  /** From now on this browser agrees to no video in a codec, like one that was built without it. */
  forgetCodec(mimeType) {
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter((codec) => codec.mimeType !== mimeType);
    for (const verb of ["createOffer", "createAnswer"]) {
      const create = RTCPeerConnection.prototype[verb];
      RTCPeerConnection.prototype[verb] = function (...args) {
        for (const transceiver of this.getTransceivers()) {
          if (transceiver.receiver.track.kind === "video") transceiver.setCodecPreferences(codecs);
        }
        return create.apply(this, args);
      };
    }
  },

  async mute(source, isMuted) {
    const publication = page.room.localParticipant.getTrackPublication(source);
    await (isMuted ? publication.mute() : publication.unmute());
  },

  /** The colour in the middle of another's video now, or null while there is no picture. */
  async colour(identity, source) {
    const track = page.room.remoteParticipants.get(identity)?.getTrackPublication(source)?.track;
    if (!track) return null;
    track.video ??= document.body.appendChild(Object.assign(track.attach(), { muted: true }));
    if (track.video.readyState < 2 || !track.video.videoWidth) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const pen = canvas.getContext("2d");
    pen.drawImage(track.video, track.video.videoWidth / 2, track.video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  },

  /** What has arrived of another's track: frames or samples, its size, and how loud it is. */
  async received(identity, source) {
    const track = page.room.remoteParticipants.get(identity)?.getTrackPublication(source)?.track;
    if (!track) return null;
    if (track.kind === "audio") track.audio ??= document.body.appendChild(track.attach());
    const stats = await track.receiver.getStats();
    for (const figure of stats.values()) {
      if (figure.type !== "inbound-rtp") continue;
      return {
        codec: stats.get(figure.codecId)?.mimeType ?? "",
        packets: figure.packetsReceived,
        frames: figure.framesDecoded ?? 0,
        width: figure.frameWidth ?? 0,
        energy: figure.totalAudioEnergy ?? 0,
        freezes: figure.freezeCount ?? 0,
      };
    }
    return null;
  },

  /** What the browser says of another's track so far, or null while there is none. */
  async inbound(identity, source) {
    const track = page.room.remoteParticipants.get(identity)?.getTrackPublication(source)?.track;
    if (!track) return null;
    track.shown ??= document.body.appendChild(track.attach());
    for (const figure of (await track.receiver.getStats()).values()) {
      if (figure.type === "inbound-rtp") return figure;
    }
    return null;
  },

  isMuted(identity, source) {
    return page.room.remoteParticipants.get(identity)?.getTrackPublication(source)?.isMuted ?? null;
  },

  setQuality(identity, source, quality) {
    page.room.remoteParticipants.get(identity).getTrackPublication(source).setVideoQuality(quality);
  },

  setEnabled(identity, source, isEnabled) {
    page.room.remoteParticipants.get(identity).getTrackPublication(source).setEnabled(isEnabled);
  },

  others() {
    return [...page.room.remoteParticipants.keys()];
  },

  async simulate(scenario) {
    await page.room.simulateScenario(scenario);
  },

  happened() {
    return page.events;
  },

  state() {
    return page.room.state;
  },

  /** The layers of a picture of this page: name and frames sent so far. */
  async layers(source) {
    const track = page.room.localParticipant.getTrackPublication(source).track;
    const layers = {};
    for (const figure of (await track.sender.getStats()).values()) {
      if (figure.type === "outbound-rtp") layers[figure.rid ?? ""] = figure.framesEncoded ?? 0;
    }
    return layers;
  },
};

const socket = new WebSocket(`${location.origin.replace("http", "ws")}/orders`);
socket.onmessage = async ({ data }) => {
  const { id, verb, args } = JSON.parse(data);
  try {
    socket.send(JSON.stringify({ id, value: (await page[verb](...args)) ?? null }));
  } catch (error) {
    socket.send(JSON.stringify({ id, error: `${error.name}: ${error.message}` }));
  }
};
