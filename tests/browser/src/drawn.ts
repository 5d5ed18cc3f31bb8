// What a fake camera and a fake screen give for pictures that people look at: drawn in the page itself, so that many
// people with faces of their own can share one browser. Both functions run in the page, before any script of it.

export interface Portrait {
  readonly wall: string;
  readonly skin: string;
  readonly hair: string;
  readonly shirt: string;
  /** How the hair falls: close to the head, down to the shoulders, or up in a knot. */
  readonly cut: "short" | "long" | "knot";
  /** Where the head is, as a share of the picture's width. */
  readonly at: number;
}

/** Makes the camera show the portrait, a little in motion, and the microphone give its device's sound only where `isHeard`. */
export function drawnCamera(portrait: Portrait | null, isHeard: boolean): void {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) return;
  const [width, height] = [960, 540];
  const open = devices.getUserMedia.bind(devices);
  const film = (face: Portrait): MediaStream => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const brush = canvas.getContext("2d");
    if (brush === null) throw new Error("no canvas");
    const round = (x: number, y: number, rx: number, ry: number, colour: string): void => {
      brush.fillStyle = colour;
      brush.beginPath();
      brush.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
      brush.fill();
    };
    let turn = 0;
    const draw = (): void => {
      turn += 1;
      const sway = 5 * Math.sin(turn / 7);
      const x = width * face.at + sway;
      brush.fillStyle = face.wall;
      brush.fillRect(0, 0, width, height);
      // Daylight from a window at one side.
      const light = brush.createLinearGradient(0, 0, width, height);
      light.addColorStop(0, "rgba(255,250,235,.42)");
      light.addColorStop(1, "rgba(20,18,14,.22)");
      brush.fillStyle = light;
      brush.fillRect(0, 0, width, height);
      if (face.cut === "long") round(x, 268, 126, 176, face.hair);
      if (face.cut === "knot") round(x, 82, 46, 42, face.hair);
      round(x, 590, 262, 190, face.shirt);
      brush.fillStyle = face.skin;
      brush.fillRect(x - 42, 320, 84, 90);
      round(x, 408, 60, 30, face.skin);
      round(x, 338, 44, 22, "rgba(60,30,20,.16)");
      round(x, 222, 112, 132, face.hair);
      round(x, 246, 92, 116, face.skin);
      // The fringe, cut to the face.
      brush.save();
      brush.beginPath();
      brush.ellipse(x, 246, 94, 118, 0, 0, 2 * Math.PI);
      brush.clip();
      round(x - 30, 132, 130, 66, face.hair);
      brush.restore();
      const blink = turn % 26 === 0 ? 1.5 : 8;
      for (const side of [-1, 1]) {
        round(x + side * 36, 250, 7, blink, "#2b211c");
        brush.fillStyle = face.hair;
        brush.fillRect(x + side * 36 - 17, 226, 34, 5);
      }
      brush.strokeStyle = "rgba(90,38,30,.8)";
      brush.lineWidth = 5;
      brush.lineCap = "round";
      brush.beginPath();
      brush.arc(x, 284, 30, 0.25 * Math.PI, 0.75 * Math.PI);
      brush.stroke();
    };
    draw();
    setInterval(draw, 160);
    return canvas.captureStream(8);
  };
  let film_: MediaStream | undefined;
  devices.getUserMedia = async (asked) => {
    const stream = new MediaStream();
    if (asked?.video) {
      if (portrait === null) throw new DOMException("Permission denied", "NotAllowedError");
      film_ ??= film(portrait);
      for (const track of film_.getVideoTracks()) stream.addTrack(track.clone());
    }
    if (asked?.audio) {
      const sound = isHeard ? await open({ audio: asked.audio }) : new AudioContext().createMediaStreamDestination().stream;
      for (const track of sound.getAudioTracks()) stream.addTrack(track);
    }
    return stream;
  };
}

/** Makes the shared screen a slide with a chart. */
export function drawnScreen(): void {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) return;
  devices.getDisplayMedia = async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [1280, 800];
    const brush = canvas.getContext("2d");
    if (brush === null) throw new Error("no canvas");
    const bars = [180, 230, 210, 290, 340, 400];
    let turn = 0;
    const draw = (): void => {
      turn += 1;
      brush.fillStyle = "#fdfcf9";
      brush.fillRect(0, 0, 1280, 800);
      brush.fillStyle = "#1b1a17";
      brush.font = "700 52px Inter, sans-serif";
      brush.fillText("Visitors of the library, 2026", 90, 130);
      brush.font = "400 26px Inter, sans-serif";
      brush.fillStyle = "#5f5b53";
      brush.fillText("Thousands a month, January to June", 90, 178);
      brush.fillStyle = "#d9d3c7";
      brush.fillRect(90, 700, 1100, 2);
      bars.forEach((bar, i) => {
        brush.fillStyle = i === bars.length - 1 ? "#1e7a5a" : "#b7d3c6";
        brush.fillRect(110 + i * 184, 700 - bar, 120, bar);
        brush.fillStyle = "#1b1a17";
        brush.fillText(String(bar / 10), 148 + i * 184, 684 - bar);
      });
      // A capture gives frames only while something changes.
      brush.fillStyle = turn % 2 === 0 ? "#fdfcf9" : "#fcfbf8";
      brush.fillRect(1270, 790, 4, 4);
    };
    draw();
    setInterval(draw, 200);
    return canvas.captureStream(5);
  };
}
