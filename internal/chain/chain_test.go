package chain

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/digest"
)

func line(t *testing.T, seq int, prev string) []byte {
	t.Helper()
	b, err := Marshal(struct {
		Seq  int    `json:"seq"`
		Prev string `json:"prev"`
		Text string `json:"text"`
	}{seq, prev, "<&>"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTip_LinksLines(t *testing.T) {
	var tip Tip
	if tip.Head() != First || len(First) != 64 {
		t.Fatalf("an empty chain's head is %s", tip.Head())
	}
	for seq := 1; seq <= 3; seq++ {
		for _, other := range []int{0, seq - 1, seq + 1} {
			if tip.Follows(other, tip.Head()) == nil {
				t.Errorf("line %d is taken for line %d", other, seq)
			}
		}
		if tip.Follows(seq, digest.Hex(nil)) == nil {
			t.Error("another line's digest is taken")
		}
		l := line(t, seq, tip.Head())
		if err := tip.Follows(seq, tip.Head()); err != nil {
			t.Error(err)
		}
		tip.Add(l)
		if tip.Head() != digest.Hex(l) || tip.Lines != seq {
			t.Errorf("head %s after %d lines", tip.Head(), tip.Lines)
		}
	}
}

func TestTip_TornAtEveryByte(t *testing.T) {
	var tip Tip
	tip.Add(line(t, 1, First))
	next := line(t, 2, tip.Head())
	for cut := range len(next) {
		tail := next[:cut]
		whole, err := tip.Torn(tail)
		if err != nil || whole != (cut == len(next)-1) {
			t.Errorf("cut at %d: whole %v: %v", cut, whole, err)
		}
		zeros := append(bytes.Clone(tail), 0, 0)
		if _, err := tip.Torn(zeros); (err == nil) == (cut == len(next)-1) {
			t.Errorf("cut at %d, then zeros: %v", cut, err)
		}
		if cut > 0 && cut <= len(fmt.Sprintf(`{"seq":2,"prev":"%s",`, First)) {
			changed := bytes.Clone(tail)
			changed[cut-1] ^= 1
			if _, err := tip.Torn(changed); err == nil {
				t.Errorf("byte %d changed: taken", cut-1)
			}
		}
	}
	if _, err := tip.Torn(append(bytes.TrimSuffix(next, []byte("\n")), "{}"...)); err == nil {
		t.Error("bytes behind the line are taken")
	}
}
