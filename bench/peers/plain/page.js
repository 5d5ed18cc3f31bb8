// The least page on LiveKit's own client: others' pictures in plain video elements, in a grid, and nothing else.
// The address says where to: #{"url", "token", "camera": bool, "microphone": bool, "columns": number}.

const { createLocalTracks, Room, RoomEvent, Track } = LivekitClient;
const { url, token, camera, microphone, columns } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const stage = document.querySelector("main");
const button = document.querySelector("button");
stage.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;

const room = new Room({ adaptiveStream: true, dynacast: true });
room.on(RoomEvent.TrackSubscribed, (track) => {
  const element = track.attach();
  if (track.kind === Track.Kind.Video) {
    element.className = "remote";
    stage.append(element);
  } else {
    document.body.append(element);
  }
});

for (const event of [RoomEvent.TrackSubscribed, RoomEvent.TrackMuted, RoomEvent.TrackUnmuted]) {
  room.on(event, () => {
    const others = [...room.remoteParticipants.values()];
    document.querySelector("aside").dataset.audio = others.some((other) => other.isMicrophoneEnabled) ? "on" : "off";
  });
}
document.querySelector("#microphone").addEventListener("click", () => {
  room.localParticipant.setMicrophoneEnabled(!room.localParticipant.isMicrophoneEnabled);
});

async function open() {
  const wanted = camera || microphone ? createLocalTracks({ audio: microphone, video: camera }) : [];
  const [tracks] = await Promise.all([wanted, room.prepareConnection(url, token)]);
  const own = tracks.find((track) => track.kind === Track.Kind.Video)?.attach();
  if (own) document.body.append(Object.assign(own, { className: "own", style: "position: absolute; width: 160px; height: 90px" }));
  button.addEventListener("click", async () => {
    button.remove();
    own?.remove();
    await room.connect(url, token);
    await Promise.all(tracks.map((track) => room.localParticipant.publishTrack(track)));
  });
  button.disabled = false;
}

open();
