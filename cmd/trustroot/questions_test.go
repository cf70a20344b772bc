//go:build linux && cgo

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/linnemanlabs/trustroot/internal/needs"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// sourced is a question as the source has it: a term.Question by its yes and no,
// any other by its prompt.
type sourced struct {
	at      string // file and line
	pattern *regexp.Regexp
}

// askers are the functions that take a question as it is from their callers, and
// which of their arguments it is.
var askers = map[string]int{"Secret": 0, "Ask": 0, "ask": 0, "twice": 1}

// readers are the ways to a person beside internal/term; those who have them read
// the end of a rehearsal, or pass them on.
const readers = `"/dev/tty" os.Stdin`

var reading = regexp.MustCompile(`internal/(sandbox/landlock_linux|cli/rehearse/(rehearse|room))\.go$`)

// questionsOf reads the product's source. A question whose words it cannot find
// fails the test: it would have no row.
func questionsOf(t *testing.T) (all []sourced) {
	t.Helper()
	files := token.NewFileSet()
	for _, dir := range []string{"internal", "ceremony", "yubikey", "pki", "kms", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal/term/") || strings.Contains(path, "internal/rehearsal/") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, lit := range strings.Split(readers, " ") {
				if text, err := os.ReadFile(path); err != nil || bytes.Contains(text, []byte(lit)) && !reading.MatchString(path) {
					t.Errorf("%s reads from a person beside internal/term: %s, %v", path, lit, err)
				}
			}
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
					all = append(all, questionsIn(t, files, fn)...)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func questionsIn(t *testing.T, files *token.FileSet, fn *ast.FuncDecl) (found []sourced) {
	t.Helper()
	add := func(n ast.Node, pattern string) {
		at := strings.TrimPrefix(files.Position(n.Pos()).String(), "../../")
		if !regexp.MustCompile(`[A-Za-z]{3}`).MatchString(pattern) {
			t.Errorf("%s: no words of this question are found in the source", at)
			return
		}
		found = append(found, sourced{at, regexp.MustCompile(pattern)})
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			name := nameOf(n.Type)
			fields := map[string]string{}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok {
						fields[key.Name] = words(fn, kv.Value)
					}
				}
			}
			switch {
			case name != "Question":
			case fields["Yes"] != "":
				add(n, "yes: "+fields["Yes"]+`\n *no: +`+fields["No"]+`\n`)
			case fields["Wrong"] != "": // adopt's
				add(n, cmp.Or(fields["Text"], fields["Wrong"]))
			}
		case *ast.CallExpr:
			name := nameOf(n.Fun)
			i, asks := askers[name]
			_, within := askers[fn.Name.Name]
			switch {
			case !asks || within || len(n.Args) <= i: // who asks for others has no words of its own
				return true
			case name == "ask" && !strings.Contains(files.Position(n.Pos()).Filename, "/cli/begin/init_ask"):
				return true // of what is no question, or one that is found where it is made
			}
			if call, ok := n.Args[i].(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "questionText" {
					return true // adopt's, found where they are made
				}
			}
			add(n, words(fn, n.Args[i])+tail(name))
		}
		return true
	})
	return found
}

// tail is what stands behind a prompt.
func tail(asker string) string {
	if asker == "Secret" || asker == "twice" {
		return `[^\n]*: $`
	}
	return ""
}

// words is a pattern of what an expression says.
func words(fn *ast.FuncDecl, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err == nil && e.Kind == token.STRING {
			return regexp.QuoteMeta(text)
		}
	case *ast.BinaryExpr:
		return words(fn, e.X) + words(fn, e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && len(e.Args) > 0 && (f.Sel.Name == "Sprintf" || f.Sel.Name == "TrimRight") {
			said := verbs.ReplaceAllString(words(fn, e.Args[0]), `(?s:.*)`)
			if f.Sel.Name == "TrimRight" {
				said = strings.TrimSuffix(said, " (?s:.*)")
			}
			return said
		}
	case *ast.Ident: // as it is set in the function
		pattern := ""
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if set, ok := n.(*ast.AssignStmt); ok && len(set.Lhs) == len(set.Rhs) && pattern == "" {
				for i, left := range set.Lhs {
					if id, ok := left.(*ast.Ident); ok && id.Name == e.Name {
						pattern = words(fn, set.Rhs[i])
					}
				}
			}
			return true
		})
		if pattern != "" {
			return pattern
		}
	}
	return `(?s:.*)`
}

var verbs = regexp.MustCompile(`%(?:\\\.[0-9]+)?[a-z]`)

// anyText are the questions at which any text is an answer, so that there is no
// slip to make.
var anyText = regexp.MustCompile(`Who answers|Who witnesses the ceremony|One signature alone decides|Why is it accepted|signed and never published`)

// nameOf is the last name of a type or function, and empty for any other.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// TestQuestions drives each question of the program at a terminal: once right at
// once, and once with a slip at each question. Both end alike, and nothing is
// asked twice. A question in the source at which no row made a slip fails.
func TestQuestions(t *testing.T) {
	needs.That(t, virtual.Missing())
	needs.Time(t)
	rows := map[string]*[2]row{}
	var mu sync.Mutex
	skipped := ""
	for slip, of := range []string{"right", "slips"} {
		t.Run(of, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Deadline: time.Now().Add(8 * time.Minute), // of a person who waits for a question that never comes
				Dir:      "testdata/questions", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: tokenCommands(), Condition: condition(slip == 1),
				Setup: func(e *testscript.Env) error {
					name := strings.TrimPrefix(filepath.Base(e.WorkDir), "script-")
					if missing := lacks(t, "../questions/"+name); missing != "" {
						skipped = missing
						e.T().Skip(missing)
					}
					seen := filepath.Join(t.TempDir(), name)
					for _, v := range []string{"PROJECT=" + projectDir(t), "NO_COLOR=1", "SEEN=" + seen, "TMPDIR=" + os.TempDir(), "GORACE=" + os.Getenv("GORACE")} {
						key, value, _ := strings.Cut(v, "=")
						e.Setenv(key, value)
					}
					if slip == 1 {
						e.Setenv("SLIP", "1")
					}
					e.Defer(func() {
						mu.Lock()
						defer mu.Unlock()
						if rows[name] == nil {
							rows[name] = &[2]row{}
						}
						rows[name][slip] = rowOf(t, seen, e.WorkDir)
					})
					return nil
				},
			})
		})
	}
	if skipped != "" {
		t.Skip(skipped)
	}
	var slipped []string
	for name, both := range rows {
		right, slips := both[0], both[1]
		slipped = append(slipped, slips.slipped...)
		if !maps.Equal(right.answered, slips.answered) {
			t.Errorf("%s: with slips, questions are answered another number of times:\n%v\n%v", name, right.answered, slips.answered)
		}
		if !slices.Equal(right.files, slips.files) {
			t.Errorf("%s: with slips, other files are left: %s", name, differing(right.files, slips.files))
		}
	}
	t.Run("walk", func(t *testing.T) {
		right, slips := newWalk(t, false), newWalk(t, true)
		want, got := right.days(), slips.days()
		if slips.slips == 0 || !slices.Equal(want, got) {
			t.Errorf("%d slips: %+v, without %+v", slips.slips, got, want)
		}
		slipped = append(slipped, slips.slipped...)
	})
	for _, q := range questionsOf(t) {
		if n := slices.IndexFunc(slipped, q.pattern.MatchString); n < 0 {
			t.Errorf("%s: no row makes a slip at this question: %s", q.at, q.pattern)
		}
	}
}

// TestQuestions_InSource: a question that somebody adds is found, and one whose
// words cannot be told is none that passes unseen.
func TestQuestions_InSource(t *testing.T) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "new.go", `package x
func run() {
	text := fmt.Sprintf("How many of %d?", 3)
	a, _ := person.Ask(text, "")
	b, _ := o.Operator.Secret(term.Sprintf("PIN of %d", a))
	return o.Confirm(term.Question{Text: x, Yes: "it is " + y, No: "it stays"})
}`, 0)
	if err != nil {
		t.Fatal(err)
	}
	fn, ok := f.Decls[0].(*ast.FuncDecl)
	if !ok {
		t.Fatal("no function")
	}
	found := questionsIn(t, files, fn)
	want := []string{"How many of 7?\n> ", "PIN of 7: ", "\n  yes: it is so\n  no:  it stays\nType yes to continue: "}
	if len(found) != len(want) {
		t.Fatalf("found %v", found)
	}
	for i, q := range found {
		if !q.pattern.MatchString(want[i]) {
			t.Errorf("%s does not match %q", q.pattern, want[i])
		}
	}
}

// condition is [slip] in the rows that are played with slips.
func condition(slip bool) func(string) (bool, error) {
	return func(name string) (bool, error) {
		if name != "slip" {
			return false, fmt.Errorf("no condition %q", name)
		}
		return slip, nil
	}
}

// row is how one story ended.
type row struct {
	answered map[string]int // how often each question had its right answer
	slipped  []string       // questions at which a slip was made
	files    []string
}

var varies = regexp.MustCompile(`[0-9a-f]{8,}|\d{4}-\d\d-\d\d|\d{8}T\d{6}Z|\d\d:\d\d|word \d+`)

// rowOf reads what the typist noted, and the names of the files that were left.
func rowOf(t *testing.T, seen, dir string) row {
	t.Helper()
	r := row{answered: map[string]int{}}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Error(err)
	}
	for line := range bytes.Lines(text) {
		var a asked
		if err := json.Unmarshal(line, &a); err != nil {
			t.Error(err)
		}
		if a.Slip {
			r.slipped = append(r.slipped, a.Shown)
			continue
		}
		if anyText.MatchString(a.Shown) {
			r.slipped = append(r.slipped, a.Shown)
		}
		r.answered[varies.ReplaceAllString(questionLine(a.Shown), "*")]++
	}
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		r.files = append(r.files, varies.ReplaceAllString(strings.TrimPrefix(path, dir), "*"))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	slices.Sort(r.files)
	return r
}

// differing are the names that only one of two lists has.
func differing(a, b []string) (names []string) {
	for _, name := range append(slices.Clone(a), b...) {
		if slices.Contains(a, name) != slices.Contains(b, name) {
			names = append(names, name)
		}
	}
	return names
}
