package pty

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Paper is what a person has before them: the words of a request, and answers.
type Paper struct {
	words   []string
	replies []reply
}

// reply is what is typed where a question matches.
type reply struct {
	to   *regexp.Regexp
	text string
}

var (
	wordAsked = regexp.MustCompile(`Type word (\d+) from the paper: $`)
	yesAsked  = regexp.MustCompile(`Type "?([^"\n]*?)"? to continue(?:, or no to stop)?: $`)
)

// ReadPaper splits a paper: a line with a tab is an answer, what the question
// matches and what is typed, and any other line words.
func ReadPaper(text string) (p Paper, err error) {
	for line := range strings.Lines(text) {
		question, typed, answers := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !answers {
			p.words = append(p.words, strings.Fields(line)...)
			continue
		}
		to, err := regexp.Compile(question)
		if err != nil {
			return Paper{}, fmt.Errorf("read a paper: %w", err)
		}
		p.replies = append(p.replies, reply{to, typed})
	}
	return p, nil
}

// Answer is an Answer: the words at the positions that are asked for, the
// paper's answers, and the exact yes to every other question.
func (p Paper) Answer(shown string) (line string, ok bool, err error) {
	if m := wordAsked.FindStringSubmatch(shown); m != nil {
		at, err := strconv.Atoi(m[1])
		if err != nil || at < 1 || at > len(p.words) {
			return "", false, fmt.Errorf("no word %s on the paper", m[1])
		}
		return p.words[at-1], true, nil
	}
	if strings.HasSuffix(shown, ": ") || strings.HasSuffix(shown, "> ") || strings.HasSuffix(shown, "when you do.\n") {
		for _, r := range p.replies {
			if r.to.MatchString(shown) {
				return r.text, true, nil
			}
		}
	}
	if m := yesAsked.FindStringSubmatch(shown); m != nil {
		return m[1], true, nil
	}
	return "", false, nil
}
