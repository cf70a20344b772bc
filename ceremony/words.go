package ceremony

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
)

// What the operator types of a request's words: see ADR 15 for why positions
// are drawn, and what each number costs the maker of a request.
const (
	wordsOfRequest = 32 // one an octet of its digest
	wordsTyped     = 8  // of them, at positions drawn after the request was read
	wordsWrong     = 3  // wrong words after which it is not the reviewed request
)

const stepWords = "draw words"

// draw is which words are typed: positions from 1, ascending.
type draw struct {
	Positions []int `json:"positions"`
}

// drawWords draws positions without repetition, each set as likely as any.
func drawWords(random io.Reader) (draw, error) {
	left := make([]int, wordsOfRequest)
	for i := range left {
		left[i] = i + 1
	}
	var d draw
	for range wordsTyped {
		n, err := rand.Int(random, big.NewInt(int64(len(left))))
		if err != nil {
			return draw{}, fmt.Errorf("draw the positions of words: %w", err)
		}
		i := int(n.Int64())
		d.Positions = append(d.Positions, left[i])
		left = slices.Delete(left, i, i+1)
	}
	slices.Sort(d.Positions)
	return d, nil
}

// check refuses what drawWords cannot have drawn.
func (d draw) check() error {
	if len(d.Positions) != wordsTyped || d.Positions[0] < 1 || d.Positions[wordsTyped-1] > wordsOfRequest ||
		!slices.IsSorted(d.Positions) || len(slices.Compact(slices.Clone(d.Positions))) != wordsTyped {
		return fmt.Errorf("step %s: not %d positions of %d words", stepWords, wordsTyped, wordsOfRequest)
	}
	return nil
}

// wordsOf are the words of a request's digest, in order.
func wordsOf(digest [32]byte) []string { return strings.Fields(pki.Words(digest[:])) }

// askWords has some of the request's words typed from paper before the tool
// shows its own. Which ones is drawn once and journaled: a wrong word, or a run
// that was cut, draws no others.
func (d *day) askWords(ctx context.Context) error {
	drawn, err := once(d, stepWords, map[string]int{"words": wordsOfRequest}, func(map[string]int, bool) (draw, error) {
		return drawWords(rand.Reader)
	})
	if err == nil {
		err = drawn.check()
	}
	if err != nil {
		return err
	}
	q := term.Question{
		Text: term.Sprintf("This is ceremony %s of %s. Take the paper with the request's %d numbered words: the second person wrote them down from `trustroot request show`, run on their own machine. %d of them are asked for, at positions drawn just now.",
			d.name, d.Request.Plan.Organization, wordsOfRequest, wordsTyped),
		Yes: "the next word is asked for; after the last the request is shown, and nothing is made yet",
		No:  "nothing was made",
	}
	wrong := 0
	for _, position := range drawn.Positions {
		q.Type, q.Label = wordsOf(d.Request.Digest())[position-1], fmt.Sprintf("word %d from the paper", position)
		for {
			err := ask(d, "words", q)
			q.Text = ""
			if err == nil {
				break
			}
			if !errors.Is(err, term.ErrStopped) || ctx.Err() != nil {
				return err
			}
			if wrong++; wrong == wordsWrong {
				return notReviewed(position)
			}
			d.Operator.Notice(term.Sprintf("That is not word %d of this request. Find number %d on the paper and type that word again.", position, position))
		}
	}
	return nil
}

func notReviewed(position int) error {
	return fault.New(fault.Verification,
		"stop here and keep the stick and the paper as evidence: have the second person run `trustroot request show` again on their own machine, and see CEREMONY.md, \"When a word is wrong\"",
		fmt.Errorf("%d wrong words, the last one word %d: this is not the request that was reviewed; nothing was made", wordsWrong, position))
}
