package adopt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
)

// Words that answers have in common.
const (
	asPublished = "as published" // what the trusted root in use says
	stillOpen   = "open"         // not seen yet
	unknown     = "unknown"      // nobody knows, and nothing new needs it
	each        = "each"         // ask one by one
	agreed      = "agreed"
)

// Question is something that no file answers.
type Question struct {
	ID      string `json:"id"` // its key among the answers
	Text    string `json:"question"`
	Wrong   string `json:"wrong,omitempty"`   // what a wrong answer would do
	Default string `json:"default,omitempty"` // what an empty answer means; empty where one must be typed
	Form    string `json:"form,omitempty"`    // what to write
}

// ask returns the answer to a question. Where there is none the question is
// noted, and ok is false.
func ask(a *Adoption, q Question) (answer string, ok bool) {
	a.asked[q.ID] = q
	if answer, ok = a.options.Answers[q.ID]; ok {
		return strings.TrimSpace(answer), true
	}
	a.Questions = append(a.Questions, q)
	return "", false
}

// refuse notes that an answer cannot be read.
func refuse(a *Adoption, id, format string, args ...any) {
	a.problems = append(a.problems, fmt.Errorf("answer %s: %s", id, fmt.Sprintf(format, args...)))
}

// askInstant is ask for a time.
func askInstant(a *Adoption, q Question) (at time.Time, ok bool) {
	answer, ok := ask(a, q)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, answer)
	if err != nil {
		refuse(a, q.ID, "invalid time %q: use RFC 3339, for example 2026-11-02T09:00:00Z", answer)
		return time.Time{}, false
	}
	return at.UTC(), true
}

// kinds are the first parts of what a question is called.
var kinds = []string{"trusted-root", "signing-config", "root-key", "cutovers", "keys", "repairs", "url", "log", "start", "cutover", "missing", "key", "exception"}

// unused names answers that no question could ever ask for. One that only is
// not asked any more, because a file tells it by now, may stay.
func unused(a *Adoption) {
	for _, id := range slices.Sorted(maps.Keys(a.options.Answers)) {
		if kind, _, _ := strings.Cut(id, "."); !slices.Contains(kinds, kind) {
			refuse(a, id, "no question has this name: remove it, or correct it")
		}
	}
}

// askCutovers asks once whether windows stay as they were published, and one by
// one where they do not, or where nothing is published.
func askCutovers(a *Adoption) {
	type step struct {
		name       string
		generation int
		before     *oldEntry
		start      time.Time
	}
	fits := func(s step) bool { return s.before != nil && (s.before.end == nil || !s.before.end.Before(s.start)) }
	var steps []step
	for _, g := range a.authorities {
		for i := 1; i < len(g.generations); i++ {
			steps = append(steps, step{g.name, i + 1, a.old.entryOf(digest.Hex(g.generations[i-1].Raw)), g.generations[i].NotBefore})
		}
	}
	for _, l := range a.logs {
		for i := 1; i < len(l.keys); i++ {
			steps = append(steps, step{l.Name, i + 1, a.old.entryOf(l.keys[i-1].spki), l.keys[i].start})
		}
	}
	var published []string
	for _, s := range steps {
		if fits(s) {
			published = append(published, fmt.Sprintf("  %s g%d until %s", s.name, s.generation-1, timeText(s.before.end, stillOpen)))
		}
	}
	way := each
	if len(published) > 0 {
		way, _ = ask(a, Question{
			ID: "cutovers", Default: asPublished, Form: asPublished + ", or each to say it one by one",
			Text:  "The trusted root in use closes windows like this:\n" + strings.Join(published, "\n") + "\nDo they stay as published?",
			Wrong: "a window that is opened again or closed earlier changes what verifiers accept of the past",
		})
		if way != "" && way != asPublished && way != each {
			refuse(a, "cutovers", "%q is neither %q nor %q", way, asPublished, each)
		}
	}
	for _, s := range steps {
		switch {
		case way == asPublished && fits(s):
			if s.before.end != nil {
				a.cutovers[key(s.name, s.generation)] = fact{at: *s.before.end, published: true}
			}
		case way != "":
			askCutover(a, s.name, s.generation, s.start)
		}
	}
}

// fact is an instant and where it was learned from.
type fact struct {
	at        time.Time
	published bool
}

func key(name string, generation int) string { return fmt.Sprintf("%s.%d", name, generation) }

func askCutover(a *Adoption, name string, generation int, start time.Time) {
	q := Question{
		ID: "cutover." + key(name, generation), Default: stillOpen, Form: "a time, or open while it was not seen",
		Text:  fmt.Sprintf("When was %s seen to use generation %d, which begins %s?", name, generation, trustdir.Stamp(start)),
		Wrong: "too early, and verifiers reject what the old key signed until the switch; too late, and they accept an old key longer than needed",
	}
	if answer, ok := ask(a, q); !ok || answer == stillOpen {
		return
	}
	at, ok := askInstant(a, q)
	if ok && at.Before(start) {
		refuse(a, q.ID, "%s is before generation %d begins, %s", trustdir.Stamp(at), generation, trustdir.Stamp(start))
	} else if ok {
		a.cutovers[key(name, generation)] = fact{at: at}
	}
}
