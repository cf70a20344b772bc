package ceremony

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
)

// passes plays the question: the operator types the reviewed request's words
// at the drawn positions, and the tool has another request before it.
func passes(d draw, reviewed, offered [32]byte) bool {
	want, typed := wordsOf(offered), wordsOf(reviewed)
	for _, n := range d.Positions {
		if !(term.Question{Type: want[n-1]}).Accepts(typed[n-1]) {
			return false
		}
	}
	return true
}

// sharing returns a digest that shares the first words of another and no
// further one: what grinding gives its maker.
func sharing(digest [32]byte, words int) [32]byte {
	for i := words; i < len(digest); i++ {
		digest[i] ^= 0x55
	}
	return digest
}

// chance is the share of draws that fall on shared words alone, C(s,8)/C(32,8).
func chance(shared int) *big.Rat {
	if shared < wordsTyped {
		return new(big.Rat)
	}
	binomial := func(n int) *big.Int { return new(big.Int).Binomial(int64(n), wordsTyped) }
	return new(big.Rat).SetFrac(binomial(shared), binomial(wordsOfRequest))
}

// TestWords_TheAttack has two requests that share their first words, and plays
// every draw of positions, for the numbers that can be counted out, and holds
// the table of ADR 15 to them.
func TestWords_TheAttack(t *testing.T) {
	var reviewed [32]byte
	if _, err := rand.Read(reviewed[:]); err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	shares := []int{6, 8, 10, 12, 16, 20, 24, 28}
	offered := map[int][32]byte{}
	for _, s := range shares {
		offered[s] = sharing(reviewed, s)
	}
	draws := 0
	every(func(d draw) {
		draws++
		last := d.Positions[wordsTyped-1] // a prefix is shared: the last position decides
		for _, s := range shares {
			if last <= s {
				counts[s]++
			}
		}
	})
	if want := new(big.Int).Binomial(wordsOfRequest, wordsTyped); big.NewInt(int64(draws)).Cmp(want) != 0 {
		t.Fatalf("%d draws, want %s", draws, want)
	}
	text, err := os.ReadFile("../docs/adr/0015-words-are-typed-at-drawn-positions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shares {
		if got := big.NewRat(int64(counts[s]), int64(draws)); got.Cmp(chance(s)) != 0 {
			t.Errorf("%d shared words: %d of %d draws pass, the formula says %s", s, counts[s], draws, chance(s))
		}
		if line := tableLine(s); !strings.Contains(string(text), line) {
			t.Errorf("the table lacks the line\n%s", line)
		}
	}
	// the question itself, on the built words, for draws within the shared ones and not
	for range 2000 {
		d, err := drawWords(rand.Reader)
		if err != nil || d.check() != nil {
			t.Fatal(err)
		}
		for _, s := range shares {
			if got, want := passes(d, reviewed, offered[s]), d.Positions[wordsTyped-1] <= s; got != want {
				t.Fatalf("%v with %d shared words: passes %v", d.Positions, s, got)
			}
		}
	}
}

// tableLine is a line of the ADR's table: a second preimage of s octets, or a
// collision of two own requests, and the chance that the draw is not an obstacle.
func tableLine(shared int) string {
	p, _ := chance(shared).Float64()
	passing := "0"
	if p > 0 {
		passing = fmt.Sprintf("%.2g (1 in %.3g)", p, 1/p)
	}
	return fmt.Sprintf("| %d | 2^%d | 2^%d | %s |", shared, 4*shared, 8*shared, passing)
}

// every calls f with each set of positions; f must not keep it.
func every(f func(draw)) {
	d := draw{Positions: make([]int, wordsTyped)}
	var choose func(i, from int)
	choose = func(i, from int) {
		if i == wordsTyped {
			f(d)
			return
		}
		for n := from; n <= wordsOfRequest; n++ {
			d.Positions[i] = n
			choose(i+1, n+1)
		}
	}
	choose(0, 1)
}

// TestDrawWords_EachPositionAsLikely: 20,000 draws put every position within
// five standard deviations of a quarter of them.
func TestDrawWords_EachPositionAsLikely(t *testing.T) {
	const draws = 20000
	var seen [wordsOfRequest + 1]int
	for range draws {
		d, err := drawWords(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range d.Positions {
			seen[n]++
		}
	}
	mean, deviation := draws/4.0, math.Sqrt(draws*0.25*0.75)
	for n, count := range seen[1:] {
		if math.Abs(float64(count)-mean) > 5*deviation {
			t.Errorf("position %d was drawn %d times of %d", n+1, count, draws)
		}
	}
	if _, err := drawWords(bytes.NewReader(binary.BigEndian.AppendUint16(nil, 1))); err == nil {
		t.Error("a draw without randomness")
	}
}

func TestDraw_RefusesWhatWasNotDrawn(t *testing.T) {
	for _, positions := range [][]int{nil, {1, 2, 3, 4, 5, 6, 7}, {0, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 33}, {1, 1, 3, 4, 5, 6, 7, 8}, {2, 1, 3, 4, 5, 6, 7, 8}} {
		if (draw{positions}).check() == nil {
			t.Errorf("%v passes", positions)
		}
	}
}

// typist types the words of a paper, the first tries of a word wrongly.
type typist struct {
	*term.Script
	paper  []string
	slips  int
	shown  []string
	prompt []string
}

func (p *typist) Notice(text string) { p.shown = append(p.shown, text) }

func (p *typist) Confirm(q term.Question) error {
	var n int
	if _, err := fmt.Sscanf(q.Label, "word %d from the paper", &n); err != nil {
		return p.Script.Confirm(q)
	}
	p.prompt = append(p.prompt, q.Prompt())
	if p.slips--; p.slips >= 0 || !q.Accepts(p.paper[n-1]) {
		return term.Stopped(q.No)
	}
	return nil
}

func TestDay_AWrongWordIsNamedAndAskedAgain(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	operator := &typist{Script: script(), paper: wordsOf(r.Digest()), slips: 2}
	o.Operator = operator
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if len(operator.prompt) != wordsTyped+2 || operator.prompt[0] != operator.prompt[1] || operator.prompt[1] != operator.prompt[2] || operator.prompt[2] == operator.prompt[3] {
		t.Errorf("asked %v", operator.prompt)
	}
	named := slices.IndexFunc(operator.shown, func(s string) bool {
		return strings.Contains(s, "That is not "+strings.TrimSuffix(strings.TrimPrefix(operator.prompt[0], "Type "), " from the paper: "))
	})
	if named < 0 {
		t.Errorf("the position is not named: %v", operator.shown)
	}
}

// TestDay_TheThirdWrongWordEndsIt: three slips, or the paper of another
// request; and the same command again asks for the same positions.
func TestDay_TheThirdWrongWordEndsIt(t *testing.T) {
	w := newWorld(t)
	r := w.founding()
	o := w.options(r)
	first := &typist{Script: script(), paper: wordsOf(r.Digest()), slips: 3}
	o.Operator = first
	_, err := Run(context.Background(), o)
	refused(t, err, fault.Verification, "this is not the request that was reviewed")
	if !strings.Contains(fault.Hint(err), "When a word is wrong") {
		t.Errorf("hint %q", fault.Hint(err))
	}
	untouched(t, w.chip)
	second := &typist{Script: script(), paper: wordsOf(sharing(r.Digest(), 0))}
	o.Operator = second
	_, err = Run(context.Background(), o)
	refused(t, err, fault.Verification, "this is not the request that was reviewed")
	third := &typist{Script: script(), paper: wordsOf(r.Digest())}
	o.Operator = third
	if _, err := Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if first.prompt[0] != second.prompt[0] || second.prompt[0] != third.prompt[0] || len(third.prompt) != wordsTyped {
		t.Errorf("other positions after a wrong word: %v, %v, %v", first.prompt, second.prompt, third.prompt)
	}
}
