//go:build linux && cgo

package attacks

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// inPlan names a place in the plan.
func inPlan(w *world, at string) {
	w.replace("pki.yaml", "  online_key:", "  places: [{at: \""+at+"\", for: verifiers}]\n  online_key:")
}

// TestServicesCheck_Places shows each place of the repository.
func TestServicesCheck_Places(t *testing.T) {
	live := func(change func(*world)) func(*world) {
		return func(w *world) {
			change(w)
			w.env = append(w.env, "URL="+answering(w, 404, "text/plain", ""))
			inPlan(w, w.tmp+"/live")
		}
	}
	check := []string{"sh", "-c", `exec "$0" services check tuf --url tuf="$URL"`}
	bucket := func(w *world) {
		w.env = append(w.env, "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9", "AWS_REGION=eu-central-1", "URL="+answering(w, 404, "text/plain", ""))
		inPlan(w, "s3://bucket/tuf")
	}
	play(t, []row{
		{name: "current", under: check, do: live(renewed), code: -1, words: []string{"place", "/live", "agrees"}},
		{name: "the directory is behind", under: check, do: live(behind), code: 5, words: []string{"the place is ahead: this trust directory is behind", "mismatch", "from version control"}},
		{name: "the place is behind", under: check, do: live(func(w *world) {
			renewed(w)
			w.copyFolder(w.tmp+"/before", w.tmp+"/live")
			w.edit("places.json", func(v map[string]any) { v["places"] = map[string]any{} })
		}), code: 5, words: []string{"the place is behind", "trustroot tuf refresh"}},
		{name: "the place went back", under: check, do: live(func(w *world) {
			renewed(w)
			w.copyFolder(w.tmp+"/before", w.tmp+"/live")
		}), code: 5, words: []string{"the place is rolled-back", "--restore"}},
		{name: "other bytes", under: check, do: live(func(w *world) {
			renewed(w)
			if err := os.WriteFile(filepath.Join(w.tmp, "live", "timestamp.json"), []byte("{}"), 0o644); err != nil {
				w.Fatal(err)
			}
		}), code: 5, words: []string{"the place is foreign"}},
		{name: "nobody answers", under: check, do: bucket, code: 1, words: []string{"the place is unreachable", "no answer"}},
	})
}

// TestScreens_Services has every service answer with the hostile text.
func TestScreens_Services(t *testing.T) {
	text, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"sh", "-c", `exec "$0" services check --url fulcio="$URL" --url tsa="$URL" --url rekor="$URL" --url tesseract="$URL" --url tuf="$URL" --copy "$URL/copy" "$@"`}
	answers := map[string]string{
		"plain":        hostile,
		"JSON":         `{"chains":[{"certificates":[` + string(text) + `]}],"issuers":[{"issuerUrl":` + string(text) + `,"audience":` + string(text) + `}],"message":` + string(text) + `}`,
		"a checkpoint": "rekor.example.com" + strings.ReplaceAll(hostile, "\n", " ") + "\n1\n" + strings.Repeat("A", 43) + "=\n\n— " + strings.ReplaceAll(hostile, "\n", " ") + " AAAA\n",
		"metadata":     `{"signatures":[{"keyid":` + string(text) + `,"sig":` + string(text) + `}],"signed":{"_type":` + string(text) + `,"version":2,` + string(text) + `:1}}`,
		"a root":       `{"mediaType":` + string(text) + `,"tlogs":[{"baseUrl":` + string(text) + `}]}`,
	}
	var rows []row
	for name, body := range answers {
		for _, code := range []int{200, 503} {
			for _, format := range [][]string{nil, {"--json"}, {"--prometheus"}} {
				rows = append(rows, row{name: strings.Join(append([]string{name, http.StatusText(code)}, format...), " "), under: append(all, format...), code: -1, never: raw,
					do: func(w *world) { w.env = append(w.env, "URL="+answering(w, code, "application/json"+hostile[:1], body)) }})
			}
		}
	}
	play(t, rows)
}
