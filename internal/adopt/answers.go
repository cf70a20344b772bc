package adopt

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/fault"
)

// AnswersFile is where answers are kept, beside the new trust directory.
const AnswersFile = "adopt.yaml"

// maxAnswers bounds the file, in bytes.
const maxAnswers = 1 << 20

// Schema is the JSON schema of the answers, for editors.
//
//go:embed schema.json
var Schema []byte

// answersFile is the file as it is read.
type answersFile struct {
	Version int               `yaml:"version"`
	By      string            `yaml:"by"`
	Answers map[string]string `yaml:"answers"`
}

// ReadAnswers reads answers from an earlier run, or written by hand. A file
// that is not there holds none.
func ReadAnswers(path string) (by string, answers map[string]string, err error) {
	answers = map[string]string{}
	data, err := courier.ReadFile(path, maxAnswers)
	if errors.Is(err, fs.ErrNotExist) {
		return "", answers, nil
	}
	bad := func(err error) error {
		return fault.New(fault.Usage, "correct the file, or move it away to answer anew; nothing was written", fmt.Errorf("%s: %w", path, err))
	}
	if err != nil {
		return "", nil, bad(err)
	}
	var file answersFile
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		return "", nil, bad(err)
	}
	if file.Version != 1 {
		return "", nil, bad(fmt.Errorf("version is %d: write 1", file.Version))
	}
	if file.Answers != nil {
		answers = file.Answers
	}
	return file.By, answers, nil
}

// WriteAnswers replaces the file: what was answered, each with its question, and
// what is open as comments.
func (a *Adoption) WriteAnswers(path string) error {
	var b strings.Builder
	b.WriteString("# Answers of `trustroot adopt`. Review them, keep them in git, and run the same\n# command again: it asks only what is open. `trustroot adopt --schema` prints the\n# JSON schema.\nversion: 1\nby: " + strconv.Quote(a.options.By) + "\nanswers:\n")
	all := map[string]string{}
	maps.Copy(all, a.options.Answers) // those that were not asked for yet stay too
	for id := range a.asked {
		all[id] = ""
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		q := a.asked[id]
		if q.Text != "" {
			comment(&b, q.Text)
		}
		if q.Wrong != "" {
			comment(&b, "If wrong: "+q.Wrong+".")
		}
		if q.Form != "" {
			comment(&b, "Write "+q.Form+".")
		}
		if answer, ok := a.options.Answers[id]; ok {
			fmt.Fprintf(&b, "  %s: %s\n\n", id, strconv.Quote(answer))
		} else {
			fmt.Fprintf(&b, "  # %s: %s\n\n", id, strconv.Quote(q.Default))
		}
	}
	return durable.Replace(path, []byte(b.String()), 0o644)
}

func comment(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString("  # " + line + "\n")
	}
}
