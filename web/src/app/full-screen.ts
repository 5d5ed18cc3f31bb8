/** Fill the screen with the whole page, because menus and dialogs are outside the meeting's own element; or stop. */
export function toggleFullScreen(): void {
  if (document.fullscreenElement) leaveFullScreen();
  else if (document.fullscreenEnabled) void document.documentElement.requestFullscreen().catch(() => undefined);
}

export function leaveFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
}
