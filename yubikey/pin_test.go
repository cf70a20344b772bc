//go:build cgo

package yubikey

import (
	"errors"
	"slices"
	"testing"
)

func TestPIN_WrongThenRight(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	a := &asker{pins: []string{"111222", testPIN}}
	token := f.open(t, a)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	mustDo(t, signOnce(signer))
	if !slices.Equal(a.asked, []int{5, 4}) || !slices.Equal(a.said, []string{"sign with slot 9c: wrong PIN, 4 tries left. Type it again."}) {
		t.Errorf("asked with %v tries left, said %q", a.asked, a.said)
	}
	if len(a.touches) != 2 {
		t.Errorf("a touch was asked for after a wrong PIN: %v", a.touches)
	}
}

func TestPIN_FullStopBeforeTheLastTry(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	a := &asker{pins: []string{"111222"}}
	token := f.open(t, a)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	wrong(t, signOnce(signer), "PIN", 2)
	if !slices.Equal(a.asked, []int{5, 4, 3}) {
		t.Errorf("asked with %v tries left", a.asked)
	}
	// a fourth one is the last but one, and nobody confirms the last
	refused(t, signOnce(signer), ErrLastTry, "nothing was sent")
	f.since()
	refused(t, signOnce(signer), ErrLastTry, "nothing was sent")
	if got := f.since(); got != "20" || len(a.asked) != 4 {
		t.Errorf("sent %s, asked %v", got, a.asked)
	}
	mustDo(t, token.Close())

	no := &confirmer{asker: right(), err: errors.New("not sure")}
	token = f.open(t, no)
	signer, err = token.Signer("9c", pub)
	mustDo(t, err)
	err = signOnce(signer)
	if !errors.Is(err, ErrLastTry) || !errors.Is(err, no.err) || len(no.asked) != 0 {
		t.Errorf("got %v, asked %v", err, no.asked)
	}
	mustDo(t, token.Close())

	yes := &confirmer{asker: right()}
	token = f.open(t, yes)
	signer, err = token.Signer("9c", pub)
	mustDo(t, err)
	mustDo(t, signOnce(signer))
	if !slices.Equal(yes.what, []string{"PIN"}) || !slices.Equal(yes.asked, []int{1}) {
		t.Errorf("confirmed %v, asked %v", yes.what, yes.asked)
	}
}

func TestPIN_BlockedThenUnblocked(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	c := &confirmer{asker: &asker{pins: []string{"111222"}}}
	token := f.open(t, c)
	signer, err := token.Signer("9c", pub)
	mustDo(t, err)
	wrong(t, signOnce(signer), "PIN", 2)
	wrong(t, signOnce(signer), "PIN", 0) // the last try is confirmed in between
	if !slices.Equal(c.what, []string{"PIN"}) {
		t.Errorf("confirmed %v", c.what)
	}
	f.since()
	wrong(t, signOnce(signer), "PIN", 0)
	if got := f.since(); got != "20" || len(c.asked) != 5 {
		t.Errorf("sent %s, asked %v", got, c.asked)
	}
	wrong(t, token.Unblock([]byte("19283746"), []byte("572910")), "PUK", 4)
	mustDo(t, token.Unblock([]byte(testPUK), []byte("572910")))
	c.pins = []string{"572910"}
	mustDo(t, signOnce(signer))
}

func TestPIN_LastTryOfThePUK(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, nil)
	for left := 4; left >= 1; left-- {
		wrong(t, token.Unblock([]byte("19283746"), []byte("572910")), "PUK", left)
	}
	refused(t, token.Unblock([]byte(testPUK), []byte("572910")), ErrLastTry, "PUK")
	mustDo(t, token.Close())
	c := &confirmer{asker: &asker{}}
	token = f.open(t, c)
	wrong(t, token.Unblock([]byte("19283746"), []byte("572910")), "PUK", 0)
	wrong(t, token.Unblock([]byte(testPUK), []byte("572910")), "PUK", 0)
	if !slices.Equal(c.what, []string{"PUK"}) {
		t.Errorf("confirmed %v", c.what)
	}
}

func TestPIN_Change(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	pub := f.public(t, "9c")
	a := &asker{pins: []string{testPIN, "572910"}}
	token := f.open(t, a)
	signs(t, token, "9c", pub)
	contains(t, token.ChangePIN([]byte(testPIN), []byte("111111")), "repeats one")
	wrong(t, token.ChangePIN([]byte("111222"), []byte("572910")), "PIN", 4)
	mustDo(t, token.ChangePIN([]byte(testPIN), []byte("572910")))
	signs(t, token, "9c", pub)
	if left, err := token.Retries(); err != nil || left != 5 {
		t.Errorf("%d tries left, %v", left, err)
	}
}

// Whoever held the old PUK sets no PIN with it any more.
func TestPUK_Change(t *testing.T) {
	f := plugOne(t)
	f.withKey(t, "9c", rootKey)
	token := f.open(t, &asker{pins: []string{testPIN}})
	wrong(t, token.ChangePUK([]byte("19283746"), []byte("55443322")), "PUK", 4)
	mustDo(t, token.ChangePUK([]byte(testPUK), []byte("55443327")))
	wrong(t, token.Unblock([]byte(testPUK), []byte("572910")), "PUK", 4)
	mustDo(t, token.Unblock([]byte("55443327"), []byte("572910")))
}

// the factory's PIN and PUK are never sent as somebody's own.
func TestPIN_FactoryIsNotSent(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, &asker{pins: []string{defaultPIN}})
	f.since()
	_, err := token.Generate("9c", rootKey)
	refused(t, err, ErrNotReady, "factory's PIN")
	refused(t, token.ChangePIN([]byte(defaultPIN), []byte("572910")), ErrNotReady, "factory's PIN")
	refused(t, token.Unblock([]byte(defaultPUK), []byte("572910")), ErrNotReady, "factory's PUK")
	info, err := token.Info()
	mustDo(t, err)
	if info.PINRetries != 5 || info.PUKRetries != 5 {
		t.Errorf("%d and %d tries left", info.PINRetries, info.PUKRetries)
	}
}

func TestPIN_LengthIsCheckedBeforeItCostsATry(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	a := &asker{pins: []string{"", "123456789"}}
	token := f.open(t, a)
	for range 2 { // nothing is a no, and what is too long is asked three times
		_, err := token.Generate("9c", rootKey)
		contains(t, err, "none was sent")
	}
	if len(a.asked) != 4 {
		t.Errorf("asked %d times", len(a.asked))
	}
	if left, err := token.Retries(); err != nil || left != 5 {
		t.Errorf("%d tries left, %v", left, err)
	}
}

func TestPIN_NobodyToAsk(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, nil)
	_, err := token.Generate("9c", rootKey)
	contains(t, err, "nobody to ask")
}

func TestPIN_WipedOnClose(t *testing.T) {
	f := plugOne(t)
	f.provision(t)
	token := f.open(t, right())
	_, err := token.Generate("9c", rootKey)
	mustDo(t, err)
	pin, key := token.pin, token.mgmt
	if string(pin) != testPIN || len(key) != 24 {
		t.Fatal("nothing is kept")
	}
	mustDo(t, token.Close())
	if !slices.Equal(pin, make([]byte, len(pin))) || !slices.Equal(key, make([]byte, len(key))) {
		t.Error("something is left after Close")
	}
}
