package term

import "fmt"

// Ask reads a line of text that is not a secret. An empty line is the default.
func (t *Terminal) Ask(text, standard string) (string, error) {
	tty, err := t.open()
	if err != nil {
		return "", err
	}
	prompt := "> "
	if standard != "" {
		prompt = "[" + standard + "] > "
	}
	if _, err := Fprintf(t.out, "\n%s\n%s", Text(text), prompt); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	line, err := t.wait(func() ([]byte, error) { return readLine(tty) })
	if err != nil {
		return "", err
	}
	if answer := string(line); answer != "" {
		return answer, nil
	}
	return standard, nil
}
