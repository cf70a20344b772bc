// Package attacks holds the table of attacks on the built programs: what an
// attacker changes in a trust directory, the command that a person runs then,
// and what it must answer. It has tests only; a row is a name, a change, a
// command line, an exit code and words.
//
// TRUSTROOT_ATTACKED names a folder of other programs to attack with the same
// rows. The program as it was before this table (commit 83a1e17), under all
// three names, fails 352 rows and holds 90. What it shows where it has the
// command:
//
//   - 68 attacks end with exit code 0: a stranger's log, key or certificate in
//     trust/ is staged and signed for (TestPublished, TestSignAndMerge), a first
//     trusted root is signed unseen (TestFirst), a rewritten ledger is built on
//     (TestLedger, 29 rows), a published entry without the ledger is signed for
//     (TestIncident), a runaway timestamp is refreshed (TestOnlineKey), requests
//     take text that can be ground (TestRequest, 8), a slot certificate of a CA
//     or with two names attests (TestAttestation, 5), another directory's key
//     and one with a stranger in its policy are adopted (TestKMS), the first of
//     two readers with one serial number is taken (TestCards), the root's token
//     holds for a holder (TestPlan), empty flags count as not given
//     (TestEmptyFlags);
//   - 19 hang until they are killed: pipes, devices and endless files as
//     arguments and in the directory, a card that goes on for ever, a bucket
//     that drips;
//   - a server that gives no answer is called a wrong one (TestRepository);
//     temporary files are added by git and left (TestLeftovers); text from
//     outside reaches the screen raw (TestScreens); SIGTSTP at a prompt leaves
//     the echo off (TestPrompt).
//
// Rows for what it lacked (the policy's second version, withdrawal, adoption,
// giving up, places in the plan, drawn words) fail at the command line or the
// file format, and those that fill an empty place (TestPlaces, TestUmask, most of
// TestOnlineKey) at their set-up, since its refresh filled none. They show
// nothing of it.
package attacks
