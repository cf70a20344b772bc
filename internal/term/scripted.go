package term

import (
	"io"
	"strings"
)

// Script is an operator that answers by itself: every question with its exact
// yes, every secret from a function. It is for rehearsals and shows what it
// was asked.
type Script struct {
	Out     io.Writer
	Secrets func(prompt string) ([]byte, error)
	// Refuse makes the script say no to questions whose text holds it.
	Refuse string
	Asked  []Question
}

// Notice implements the ceremony's operator.
func (s *Script) Notice(text string) {
	Fprintf(s.Out, "%s\n", Text(indent(text))) //nolint:errcheck // progress only
}

// Confirm implements the ceremony's operator.
func (s *Script) Confirm(q Question) error {
	s.Asked = append(s.Asked, q)
	if s.Refuse != "" && strings.Contains(q.Text, s.Refuse) {
		return Stopped(q.No)
	}
	_, err := Fprintf(s.Out, "%s\n", Text(indent(q.Text+"\n"+q.Prompt()+q.want())))
	return err
}

// Secret implements the ceremony's operator.
func (s *Script) Secret(prompt string) ([]byte, error) {
	if _, err := Fprintf(s.Out, "%s\n", Text(indent(prompt+": ********"))); err != nil {
		return nil, err
	}
	return s.Secrets(prompt)
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
}
