package pattern

import (
	"slices"
	"sync"
	"testing"
)

func TestPattern_AnswersAsRegexp(t *testing.T) {
	p := New(`^([a-z]+)-([0-9]+)$`)
	if p.compiled != nil {
		t.Error("compiled before it was asked")
	}
	if !p.MatchString("key-7") || p.MatchString("key-7\n") {
		t.Error("matches what it should not, or not what it should")
	}
	if got := p.FindStringSubmatch("key-7"); !slices.Equal(got, []string{"key-7", "key", "7"}) {
		t.Errorf("groups %q", got)
	}
	if got := New(`[^a-z]+`).ReplaceAllString("a b", "-"); got != "a-b" {
		t.Errorf("replaced to %q", got)
	}
	if p.String() != `^([a-z]+)-([0-9]+)$` {
		t.Errorf("says %q of itself", p)
	}
}

func TestPattern_ManyAsk(t *testing.T) {
	p := New(`^[0-9a-f]{64}$`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if p.MatchString("0") {
				t.Error("one digit passes for 64")
			}
		})
	}
	all.Wait()
}

func TestPattern_BadExpressionPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an expression that does not compile is believed")
		}
	}()
	New(`(`).MatchString("")
}
