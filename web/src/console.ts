/** The lifecycle lines of LOG-1, mirrored on the browser's console. */
export type LifecycleLine =
  | 'Initializing meeting'
  | 'Meeting created successfully'
  | 'Meeting already exists, returning existing meeting'
  | 'Found existing meeting instead'
  | 'Participant joined successfully'
  | 'Participant already exists, updating status'
  | 'Real-time participant update received'
  | 'Meeting initialization complete';

export type FailureLine = 'Error creating meeting' | 'Error joining meeting' | 'Error showing part of the page' | 'Error loading media engine';

/** Ids and stable words only: names, cookies, tokens and addresses never reach a log. */
export interface LogFields {
  readonly meeting_id?: string;
  readonly participant_id?: string;
  readonly connection_id?: string;
  readonly event?: string;
  readonly event_seq?: number;
  readonly code?: string;
}

/** Write one line per lifecycle step. */
export function say(line: LifecycleLine, fields: LogFields = {}): void {
  console.info(line, fields);
}

/** Write one line per step that failed. */
export function sayFailure(line: FailureLine, fields: LogFields = {}): void {
  console.warn(line, fields);
}
