package services

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestCheck_Unreachable(t *testing.T) {
	w := newSite(t)
	w.asked.URLs = map[string]string{"tsa": "http://gone.example.com/api/v1/timestamp"}
	report := w.check()
	if !hasFinding(report, "tsa", "unreachable", "http://gone.example.com/api/v1/timestamp") || fault.ExitCode(report.Err()) != int(fault.Failure) {
		t.Errorf("%+v: %v", report.Findings, report.Err())
	}
}

func TestCheck_SilentServerEndsWithItsTime(t *testing.T) {
	w := newSite(t)
	w.asked.Timeout = 200 * time.Millisecond
	w.hosts["fulcio.example.com"] = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w.asked.Names = []string{"fulcio"}
	started := time.Now()
	w.finds(Unanswered, "fulcio", "unreachable", "does not answer")
	if took := time.Since(started); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCheck_GarbageAndOversizedAnswers(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"html": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>welcome</html>") },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for block := make([]byte, 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
		"json": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"chains":[{}],"issuers":[{}],"certificates":3}`)
		},
	}
	for name, answer := range answers {
		w := newSite(t)
		for host := range w.hosts {
			w.hosts[host] = answer
		}
		report := w.check()
		for _, service := range []string{"fulcio", "tsa", "rekor", "tesseract"} {
			if !hasFinding(report, service, "bad-answer", "") {
				t.Errorf("%s: nothing bad about %s in %+v", name, service, report.Findings)
			}
		}
	}
}

func TestCheck_RedirectToAnotherHostIsNotFollowed(t *testing.T) {
	w := newSite(t)
	w.hosts["fulcio.example.com"] = http.RedirectHandler("http://tsa.example.com/api/v1/timestamp/certchain", http.StatusFound)
	w.asked.Names = []string{"fulcio"}
	w.check()
	report := w.check()
	if !hasFinding(report, "fulcio", "unreachable", "redirects to http://tsa.example.com") {
		t.Errorf("%+v", report.Findings)
	}
}

func TestCheck_ControlCharactersAreNotPrinted(t *testing.T) {
	w := newSite(t)
	w.hosts["fulcio.example.com"] = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "\x1b[2Jgone\x07", http.StatusTeapot)
	})
	for _, f := range w.check().Findings {
		if strings.ContainsAny(f.Text, "\x1b\x07") {
			t.Errorf("%q", f.Text)
		}
	}
}

func TestCheck_RefusesOptionsOfNobody(t *testing.T) {
	w := newSite(t)
	for want, o := range map[string]Options{
		`no "nobody" to ask`:         {Names: []string{"nobody"}},
		`no "tuf" to ask`:            {Names: []string{TUF}},
		`"x" for tsa is not an http`: {URLs: map[string]string{"tsa": "x"}},
		`"tsa" is not a log`:         {Reads: map[string]string{"tsa": "http://a"}},
		`no "else" to ask; it has f`: {URLs: map[string]string{"else": "http://a"}},
	} {
		if _, err := w.source.Check(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || fault.ExitCode(err) != int(fault.Usage) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestCheck_NothingPlannedForItYet(t *testing.T) {
	w := newSite(t)
	delete(w.source.State.Logs, "rekor")
	a := w.source.Plan.Authorities["tsa"]
	a.URL = ""
	w.source.Plan.Authorities["tsa"] = a
	report := w.check()
	if !hasFinding(report, "rekor", "not-in-ledger", "") || !hasFinding(report, "tsa", "no-url", "") {
		t.Errorf("%+v", report.Findings)
	}
}
