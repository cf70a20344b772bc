package services

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCheck_PasswordsOfURLsAreNotShown(t *testing.T) {
	w := newSite(t)
	w.publish()
	secret := func(at string) string { return strings.Replace(at, "://", "://reader:opensesame@", 1) }
	w.asked.URLs = map[string]string{"tuf": secret(w.source.Plan.TUF.URL) + "/gone", "fulcio": secret("http://nobody.example.com"), "tsa": secret("http://tsa.example.com/api/v1/timestamp")}
	w.asked.Copies = []string{secret(w.source.Plan.TUF.URL) + "/none.json"}
	report := w.check()
	w.asked.URLs["tuf"] = secret(w.source.Plan.TUF.URL)
	w.must(w.remove("1.targets.json"))
	again := w.check()
	for _, r := range []*Report{report, again} {
		data, err := json.Marshal(r)
		w.must(err)
		for _, text := range []string{string(data), r.Prometheus(), errors.Join(r.Err()).Error()} {
			if strings.Contains(text, "opensesame") {
				t.Errorf("a password is shown:\n%s", text)
			}
		}
	}
	if !hasFinding(again, "tuf", "repository", "1.targets.json") {
		t.Errorf("%+v", again.Findings)
	}
}
