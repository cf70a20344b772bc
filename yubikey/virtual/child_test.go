package virtual_test

import (
	"context"
	"fmt"
	"os"

	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// childTask in the environment makes this test binary hold a card in a reader
// in that directory until it is killed, instead of running the tests.
const childTask = "VIRTUAL_TEST_DIRECTORY"

func runChild(dir string) int {
	card, err := virtual.New(virtual.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	readers, err := virtual.Start(context.Background(), dir, card)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(readers.Socket())
	select {}
}
