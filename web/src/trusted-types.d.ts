/** The part of Trusted Types (W3C) that the page uses; TypeScript's DOM library does not have it yet. */
interface TrustedScriptURL {
  readonly __brand: 'TrustedScriptURL';
}

interface TrustedTypePolicy {
  createScriptURL(input: string): TrustedScriptURL;
}

interface Window {
  readonly trustedTypes?: {
    createPolicy(name: string, rules: { createScriptURL?: (input: string) => string }): TrustedTypePolicy;
  };
}
