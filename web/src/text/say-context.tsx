import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { useLive } from '../ui/use-live';
import { en } from './en';
import { LANGUAGES, pickLanguage, Text, type Language, type Say } from './text';

interface Spoken {
  readonly say: Say;
  readonly language: Language;
}

const SpokenContext = createContext<Spoken>({ say: (key) => (en as Readonly<Record<string, string>>)[key] ?? key, language: 'en' });

/** Give the words of the chosen language to everything inside. */
export function SpeakIn({ text, chosen, children }: { readonly text: Text; readonly chosen: string; readonly children: ReactNode }) {
  const say = useLive(text.say);
  const language = useLive(text.language);
  useEffect(() => {
    void text.use(pickLanguage(chosen, navigator.languages));
  }, [text, chosen]);
  const spoken = useMemo(() => ({ say, language }), [say, language]);
  return <SpokenContext value={spoken}>{children}</SpokenContext>;
}

/** The way to say something in the person's language. */
export function useSay(): Say {
  return useContext(SpokenContext).say;
}

export function useLanguage(): Language {
  return useContext(SpokenContext).language;
}

export { LANGUAGES };
