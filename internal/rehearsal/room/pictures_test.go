package room

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// The pictures of docs/pictures, taken anew where a folder for them is named.
// Nobody can wait for a screen as for a console: the steps are slow.
func TestRoom_Pictures(t *testing.T) {
	if os.Getenv(picturesVariable) == "" {
		t.Skip("TRUSTROOT_ROOM_PICTURES=docs/pictures beside scripts/room-e2e's variables runs this")
	}
	r := enter(t)
	must(t, os.WriteFile(r.start(), []byte(time.Now().Format(time.RFC3339Nano)), 0o600))
	o := rehearsal.Options{
		Out: filepath.Join(r.dir, "trust-pictures"), Now: r.now(), Progress: r.log, ImageSHA256: r.digest, Hold: r.photograph,
	}
	o.Command = inProcess(o, r.log)
	begun, err := rehearsal.Run(t.Context(), o)
	must(t, begun.Close())
	if !errors.Is(err, errGone) {
		t.Fatal(err)
	}
}

// photograph types on the keyboard and holds no ceremony.
func (r *room) photograph(ctx context.Context, given rehearsal.Room) error {
	if err := r.enter(ctx, given); err != nil {
		return err
	}
	defer r.port.Close()
	g, err := r.launch(ctx, r.machine())
	if err != nil {
		return err
	}
	defer g.kill()
	if _, _, err := g.wait(patience, useConsole); err != nil {
		return err
	}
	for _, step := range []struct {
		keys    []string
		picture string
	}{
		{[]string{"ret"}, ""}, // this console
		{[]string{"ret"}, ""}, // keyboard layout
		{[]string{"ret"}, "menu"},
		{[]string{"2", "ret"}, ""},
		{[]string{"3", "2", "0", "0", "0", "0", "0", "1", "ret"}, "ceremony"},
	} {
		for _, key := range step.keys {
			if err := g.do("sendkey " + key); err != nil {
				return err
			}
			time.Sleep(time.Second)
		}
		time.Sleep(30 * time.Second)
		if step.picture == "" {
			continue
		}
		if err := r.picture(g, step.picture); err != nil {
			return err
		}
	}
	return errGone
}

// picture writes what the screen shows as a PNG.
func (r *room) picture(g *guest, name string) error {
	dump := filepath.Join(r.dir, "screen.ppm")
	if err := g.do("screendump " + dump); err != nil {
		return err
	}
	data, err := os.ReadFile(dump)
	if err != nil {
		return err
	}
	var width, height int
	if _, err := fmt.Sscanf(string(data[:20]), "P6\n%d %d\n255\n", &width, &height); err != nil {
		return fmt.Errorf("%s: %w", dump, err)
	}
	pixels := data[len(data)-3*width*height:]
	screen := image.NewGray(image.Rect(0, 0, width, height))
	for i := range width * height {
		screen.Set(i%width, i/width, color.RGBA{pixels[3*i], pixels[3*i+1], pixels[3*i+2], 255})
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, screen); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.pictures, name+".png"), out.Bytes(), 0o644)
}
