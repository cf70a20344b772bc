package rehearsal

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// Room is what a ceremony that is held in another machine finds there.
type Room struct {
	Stick   string          // folder whose content is on the stick; the record must come back into it
	Request string          // name of the request in it
	Record  string          // name that the record has when it is finished
	Cards   []*virtual.Card // the root's token, and that of a holder
}

// holdInRoom takes the tokens out of this machine's readers for as long as the
// ceremony lasts.
func holdInRoom(ctx context.Context, r *Rehearsal) error {
	errs := make([]error, 0, len(r.cards))
	for _, card := range r.cards {
		errs = append(errs, r.readers.Remove(card))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err := r.Hold(ctx, Room{
		Stick:   r.in(stick),
		Request: filepath.Base(requestPath(r)),
		Record:  filepath.Base(recordPath(r)),
		Cards:   r.cards,
	})
	for _, card := range r.cards {
		err = errors.Join(err, r.readers.Insert(card))
	}
	return err
}
