// A walk through every screen of the page, in one language: whoever visits takes a picture or asks axe.

import { type Company, type Member } from "./company.ts";
import type { Portrait } from "./drawn.ts";
import { findNamed } from "./find.ts";
import { until } from "./person.ts";
import type { Language } from "./words.ts";

export type Visit = (member: Member, screen: string) => Promise<void>;

export const ANA: Portrait = { wall: "#c9b394", skin: "#e3b596", hair: "#4a2f22", shirt: "#2f5d5b", cut: "long", at: 0.5 };
export const BEN: Portrait = { wall: "#7f93a0", skin: "#8d5f45", hair: "#1f1a18", shirt: "#c4553c", cut: "short", at: 0.47 };
export const KIM: Portrait = { wall: "#d7c3b4", skin: "#eec8a4", hair: "#2a2428", shirt: "#5d5f99", cut: "knot", at: 0.52 };
export const LARS: Portrait = { wall: "#a9b7a4", skin: "#f0cdb4", hair: "#c9a265", shirt: "#46685a", cut: "short", at: 0.54 };
export const PRIYA: Portrait = { wall: "#b49a86", skin: "#b27d58", hair: "#201a1a", shirt: "#d8b76a", cut: "long", at: 0.48 };

/** Names as long and as different as people have them. */
const CROWD = [
  "Fay Marsh", "Omar Haddad", "Yuki Tanaka", "Chiara Bianchi", "Noah Schmidt", "Zoë Lindqvist", "Wei Zhang", "Amara Okonkwo", "Jonas Maximilian von Hohenberg",
  "Sofía Fernández", "Ali", "Ingrid", "Mateus Pereira", "ليلى منصور", "Dmitri", "Hannah Katz", "Tom", "Nia", "Luc Moreau", "Elif Yılmaz", "Grace Njoroge", "Pavel Novák", "Aoife Byrne",
];

export interface WalkOptions {
  readonly language: Language;
  /** How many of the guests, of whom two come at least, have their camera on. */
  readonly cameras: number;
  readonly meetingId: string;
}

const GUESTS: readonly (readonly [string, Portrait])[] = [
  ["Ben Okafor", BEN],
  ["Kim Seo-yeon", KIM],
  ["Lars Holm", LARS],
  ["Priya Raman", PRIYA],
];

async function seesPictures(member: Member, count: number): Promise<void> {
  await until(
    `${count} pictures`,
    async () => (await member.page.$$eval("article video", (videos) => videos.filter((video) => (video as HTMLVideoElement).videoWidth > 0).length)) >= count,
    90_000,
  );
}

/** Escape closes what is open over the page. Half a second after it opens the focus leaves it for a frame, so that VoiceOver reads it; a person who hits that frame presses again. */
async function closeDialog({ page }: Member): Promise<void> {
  await until(
    "Escape closes the dialog",
    async () => {
      await page.keyboard.press("Escape");
      return page
        .waitForFunction(() => document.querySelector("[role=dialog]") === null, { timeout: 1_000, polling: 50 })
        .then(() => true, () => false);
    },
    5_000,
  );
}

/** Goes through every screen as a person would; `visit` is called on each while it is open. */
export async function walk(company: Company, { language, cameras, meetingId }: WalkOptions, visit: Visit): Promise<void> {
  const quiet = { microphoneOn: false, savesData: true };
  const host = await company.arrive({ portrait: ANA, language });

  // Home, and what stands between a link and a meeting.
  await host.open("/");
  await host.find(host.say("home.new"));
  await visit(host, "home");
  await host.open("/NOBODYHERE");
  await host.find(host.say("join.start"));
  await visit(host, "missing");
  await host.open("/a!");
  await host.shows(host.say("out.lostHeading"));
  await visit(host, "lost");
  await host.open("/");
  await host.fill("home.meetingId", meetingId);
  await host.press("home.new");
  await host.fill("join.name", "Ana Ruiz");
  await host.page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0, { timeout: 60_000, polling: 100 });
  await visit(host, "before-joining");
  await host.press("join.now");
  await host.isIn();
  await visit(host, "alone");

  const guests: Member[] = [];
  for (const [i, [name, portrait]] of GUESTS.slice(0, Math.max(2, cameras)).entries()) {
    const guest = await company.arrive({ portrait, language, isHeard: i === 0, remembers: { ...quiet, microphoneOn: i < 2, cameraOn: i < cameras }, size: [760, 480] });
    await guest.open(`/${meetingId}`);
    await guest.goIn(name);
    guests.push(guest);
  }
  const [ben, kim] = guests;
  if (ben === undefined || kim === undefined) throw new Error("a walk needs two guests");
  const fay = await company.arrive({ language, remembers: { ...quiet, cameraOn: false }, size: [760, 480] });
  await fay.open(`/${meetingId}`);
  await fay.goIn("Fay Marsh");
  await fay.press("meeting.raiseHand");
  await seesPictures(host, cameras + 1);
  await visit(host, "meeting");

  await host.press("meeting.chat");
  await ben.press("meeting.chat");
  await ben.fill("chat.message", "Slides are in the folder: https://files.example.org/budget. Page 4 has the numbers.");
  await ben.page.keyboard.press("Enter");
  await host.shows("Page 4");
  await kim.press("meeting.chat");
  await kim.fill("chat.message", "Thanks. Can we take the budget first?");
  await kim.page.keyboard.press("Enter");
  await host.shows("budget first");
  await host.fill("chat.message", "Yes, after Ben.");
  await host.page.keyboard.press("Enter");
  await host.shows("after Ben");
  await visit(host, "chat");

  // The lobby: somebody waits, and is turned away.
  await host.press("meeting.people");
  await host.press("people.lobby", "switch");
  const knocker = await company.arrive({ language });
  await knocker.open(`/${meetingId}`);
  await knocker.fill("join.name", "Omar Haddad");
  await knocker.shows(knocker.say("join.lobbyHint"));
  await visit(knocker, "before-joining-denied");
  await knocker.press("join.knock");
  await knocker.shows(knocker.say("join.knockingHeading"));
  await visit(knocker, "knocking");
  await host.find(host.say("people.deny", { name: "Omar Haddad" }));
  await visit(host, "people");
  await host.press("people.deny", "button", { name: "Omar Haddad" });
  await knocker.shows(knocker.say("out.deniedHeading"));
  await visit(knocker, "denied");
  await host.press("people.lobby", "switch");
  await host.press("people.lock", "switch");
  const late = await company.arrive({ language });
  await late.open(`/${meetingId}`);
  await late.shows(late.say("join.lockedHint"));
  await late.fill("join.name", "Tom");
  await late.press("join.now");
  await late.shows(late.say("out.lockedHeading"));
  await visit(late, "locked");
  await host.press("people.lock", "switch");
  await host.choose("people.actions", "people.remove", { name: "Fay Marsh" });
  await fay.shows(fay.say("out.removedHeading"));
  await visit(fay, "removed");
  await host.press("meeting.people");

  // Layouts, menus and dialogs.
  await host.choose("meeting.more", "meeting.layoutSpeaker");
  await visit(host, "speaker");
  await host.choose("meeting.more", "meeting.layoutGrid");
  await host.press("meeting.more");
  await host.find(host.say("meeting.settings"), "menuitem");
  await visit(host, "more");
  await host.click("meeting.settings", "menuitem");
  await host.shows(host.say("settings.theme"));
  await visit(host, "settings");
  await closeDialog(host);
  await host.choose("meeting.more", "meeting.shortcuts");
  await host.shows(host.say("shortcut.singleHint"));
  await visit(host, "shortcuts");
  await closeDialog(host);
  await host.choose("meeting.more", "meeting.statistics");
  await host.shows(host.say("statistics.receives"));
  await visit(host, "statistics");
  await closeDialog(host);
  await host.press("meeting.react");
  await host.page.waitForSelector("[role=dialog] button");
  await visit(host, "reactions");
  await closeDialog(host);
  await kim.press("meeting.share");
  await host.page.waitForFunction(() => (document.querySelector<HTMLVideoElement>("article[data-screen-of] video")?.videoWidth ?? 0) > 0, { timeout: 60_000, polling: 100 });
  await visit(host, "share");
  await kim.press("meeting.stopShare");
  await host.page.waitForFunction(() => document.querySelector("article[data-screen-of]") === null, { timeout: 60_000, polling: 100 });

  // A meeting of twenty-five, and one that is full.
  const crowd = await company.crowd(meetingId, CROWD.slice(0, 24 - guests.length));
  await until("25 people", async () => (await host.page.$$("article[data-participant-id]")).length >= Math.min(25, 9), 30_000);
  await visit(host, "crowd");
  await late.open(`/${meetingId}`);
  await late.fill("join.name", "Tom");
  await late.press("join.now");
  await late.shows(late.say("out.fullHeading"));
  await visit(late, "full");
  await crowd.browserContext().close();

  // A second tab of the same person, and the first once the meeting has moved.
  const second = await company.tab(ben);
  await second.open(`/${meetingId}`);
  await second.find(second.say("join.now"));
  await second.page.waitForSelector("form p svg");
  await visit(second, "elsewhere");
  await second.press("join.now");
  await second.press("meeting.moveHere");
  await ben.shows(ben.say("out.movedHeading"));
  await visit(ben, "moved");
  await second.page.close();
  await ben.press("out.movedBack");
  await ben.isIn();

  // No server: the meeting keeps its last pictures, everything else says so and tries again.
  const lost = await company.arrive({ language });
  await lost.open(`/${meetingId}`);
  await lost.find(lost.say("join.now"));
  await company.server.down();
  await host.find(host.say("meeting.tryNow"));
  await visit(host, "reconnecting");
  await lost.fill("join.name", "Tom");
  await lost.press("join.now");
  await lost.find(lost.say("meeting.tryNow"));
  await visit(lost, "unreachable");
  await company.server.up();
  await until("the connection is back", async () => (await findNamed(host.page, "button", host.say("meeting.tryNow"))) === null, 60_000);
  await lost.leave();

  // Out.
  await kim.press("meeting.leave");
  await kim.shows(kim.say("out.leftHeading"));
  await visit(kim, "left");
  await host.choose("meeting.leave", "meeting.end");
  await host.find(host.say("meeting.cancel"));
  await visit(host, "end");
  await host.press("meeting.end");
  await ben.shows(ben.say("out.endedHeading"));
  await visit(ben, "ended");
}
