package status_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/status"
)

var today = time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)

func in(days int) *time.Time {
	t := today.AddDate(0, 0, days)
	return &t
}

func TestStatus_DueCountsWhatNeedsSomeone(t *testing.T) {
	s := &status.Status{At: today, Items: []status.Item{
		{Kind: status.KindCertificate, Name: "old", Generation: 1, Expires: in(10), Replaced: true},
		{Kind: status.KindCertificate, Name: "soon", Generation: 2, Expires: in(80)},
		{Kind: status.KindCertificate, Name: "later", Generation: 1, Expires: in(100)},
		{Kind: status.KindTUF, Name: "root", Generation: 3, Expires: in(120), SignFrom: in(-1)},
		{Kind: status.KindTUF, Name: "targets", Generation: 3, Expires: in(120), SignFrom: in(100)},
		{Kind: status.KindTUF, Name: "timestamp", Generation: 9, Expires: in(6), SignFrom: in(0), Online: true},
		{Kind: status.KindTUF, Name: "snapshot", Generation: 9, Expires: in(6), SignFrom: in(-2), Online: true},
		{Kind: status.KindWindow, Name: "rekor", Generation: 1},
	}}
	var got []string
	for _, i := range s.Due(90 * 24 * time.Hour) {
		got = append(got, i.Title())
	}
	if want := "soon g2, tuf root v3, tuf snapshot v9"; strings.Join(got, ", ") != want {
		t.Errorf("due is %v, want %s", got, want)
	}
	if due := s.Due(0); len(due) != 2 {
		t.Errorf("due now is %v, want the open signing windows", due)
	}
}

func TestCalendar_DrawsEachItemOverTheSameYears(t *testing.T) {
	s := &status.Status{At: today, Items: []status.Item{
		{Kind: status.KindCertificate, Name: "fulcio", Generation: 2, Start: *in(-365), Expires: in(730)},
		{Kind: status.KindWindow, Name: "rekor", Generation: 1, Start: *in(-100)},
		{Kind: status.KindWindow, Name: "rekor", Generation: 0, Start: *in(-300), Expires: in(-100), Replaced: true},
	}}
	lines := strings.Split(strings.TrimRight(s.Calendar(80), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("drawn are\n%s", strings.Join(lines, "\n"))
	}
	for _, year := range []string{"2029", "2030", "2031", "2032"} {
		if !strings.Contains(lines[0], year) {
			t.Errorf("no year %s in %q", year, lines[0])
		}
	}
	column := func(line string) int { return slices.Index([]rune(line), '│') }
	if !strings.Contains(lines[1], "━") || !strings.Contains(lines[2], "─") || column(lines[1]) != column(lines[2]) {
		t.Errorf("drawn are\n%s", strings.Join(lines, "\n"))
	}
}

func TestPrometheus_OneSampleALine(t *testing.T) {
	s := &status.Status{At: today, Entries: 12, Items: []status.Item{{Kind: status.KindTUF, Name: "root", Generation: 3, Expires: in(120), SignFrom: in(-1)}}}
	text := s.Prometheus()
	for _, want := range []string{
		"trustroot_expiry_timestamp_seconds{kind=\"tuf\",name=\"root\",generation=\"3\",replaced=\"false\"} 1918123200\n",
		"trustroot_ledger_entries 12\n", "trustroot_warnings 0\n", "# TYPE trustroot_sign_from_timestamp_seconds gauge\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
