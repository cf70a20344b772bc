package adopt

import "testing"

// A file that people wrote is either refused or read into entries that all
// have a list, a path, an identity, and a key or a chain, each path once.
func FuzzParseOldRoot(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"tlogs": [{"baseUrl": "https://rekor.example.com", "publicKey": {"rawBytes": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw=="}, "validFor": {"start": "2026-01-01T00:00:00Z"}}]}`))
	f.Add([]byte(`{"certificateAuthorities": [{"uri": "https://fulcio.example.com", "certChain": {"certificates": [{"rawBytes": "AAAA"}]}}]}`))
	f.Add([]byte(`{"ctlogs": [null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		old, err := parseOldRoot("file", data)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range old.entries {
			if e.list == "" || len(e.id) != 64 || (e.key == nil) == (len(e.chain) == 0) || seen[e.path] {
				t.Errorf("entry %+v", e)
			}
			seen[e.path] = true
		}
	})
}
