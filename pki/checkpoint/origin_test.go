package checkpoint

import (
	"strings"
	"testing"
)

func TestCheckOrigin_Refuses(t *testing.T) {
	for origin, word := range map[string]string{
		"":                          "empty",
		"https://rekor.example.com": `write "rekor.example.com"`,
		"rekor.example.com/":        `write "rekor.example.com"`,
		"/rekor":                    "slash",
		"rekor+example.com":         "plus",
		"rekor example.com":         "space",
		"rekor.example.com\n":       "space",
		"rékor.example.com":         "ASCII",
		strings.Repeat("a", 256):    "255",
	} {
		for _, kind := range []string{RekorV2, StaticCT} {
			err := CheckOrigin(kind, origin)
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s %q: got %v, want %q", kind, origin, err, word)
			}
		}
	}
}

func TestCheckOrigin_RekorIsBareHost(t *testing.T) {
	for _, origin := range []string{"rekor.example.com:3000", "rekor.example.com/log", "Rekor.example.com", "rekor..com", "-rekor.com", "::1"} {
		err := CheckOrigin(RekorV2, origin)
		if err == nil || !strings.Contains(err.Error(), "bare host name") {
			t.Errorf("%q: got %v", origin, err)
		}
	}
	for _, origin := range []string{"rekor.example.com", "localhost", "127.0.0.1", "log2026-1.rekor.example.com"} {
		if err := CheckOrigin(RekorV2, origin); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckOrigin_StaticCTMayHavePathAndPort(t *testing.T) {
	for _, origin := range []string{"ct.example.com/2026", "ct.example.com:6962", "tesseract"} {
		if err := CheckOrigin(StaticCT, origin); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckURL_RekorOriginIsHost(t *testing.T) {
	for _, base := range []string{"https://rekor.example.com", "https://rekor.example.com:8443/", "http://rekor.example.com/log"} {
		if err := CheckURL(RekorV2, "rekor.example.com", base); err != nil {
			t.Error(err)
		}
	}
	err := CheckURL(RekorV2, "rekor.example.com", "https://log.example.com")
	if err == nil || !strings.Contains(err.Error(), "log.example.com") {
		t.Errorf("got %v", err)
	}
	if err := CheckURL(StaticCT, "ct.example.com/2026", "https://tesseract.example.com/2026"); err != nil {
		t.Error(err)
	}
}

func TestCheckURL_RefusesWhatIsNoBaseURL(t *testing.T) {
	for _, base := range []string{"", "rekor.example.com", "//rekor.example.com", "ftp://rekor.example.com",
		"https://u@rekor.example.com", "https://rekor.example.com?x=1", "https://rekor.example.com#x", "https://%zz"} {
		if CheckURL(RekorV2, "rekor.example.com", base) == nil {
			t.Errorf("%q was accepted", base)
		}
	}
}
