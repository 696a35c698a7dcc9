package policy

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

func TestDocumentCacheKeepsWhatIsUsedAndForgetsTheRest(t *testing.T) {
	var c documentCache
	text := func(i int) []byte { return fmt.Appendf(nil, "%08d%s", i, bytes.Repeat([]byte("x"), 1016)) }
	often := []byte("often used")
	c.put(IdentityPolicy, often, ast.StringTerm("often"))
	const many = 5 * maxGeneration / 1024
	for i := range many {
		c.put(IdentityPolicy, text(i), ast.StringTerm(fmt.Sprint(i)))
		if kept := c.get(IdentityPolicy, often); kept == nil || kept.Value.Compare(ast.String("often")) != 0 {
			t.Fatalf("after %d other documents, the one that is used all the time is %v", i+1, kept)
		}
	}
	if kept := c.get(IdentityPolicy, text(many-1)); kept == nil || kept.Value.Compare(ast.String(fmt.Sprint(many-1))) != 0 {
		t.Errorf("the newest document is %v", kept)
	}
	if c.get(IdentityPolicy, text(0)) != nil {
		t.Error("a document that was never asked for again is still kept")
	}
	if kept := len(c.newer[IdentityPolicy]) + len(c.older[IdentityPolicy]); kept > 2*maxGeneration/1024+2 {
		t.Errorf("%d documents of 1 KiB are kept", kept)
	}
	// The same text is something else in another place.
	if c.get(ResourcePolicy, often) != nil {
		t.Error("an identity policy was given for a resource policy")
	}
	c.put(IdentityPolicy, make([]byte, maxGeneration), ast.StringTerm("large"))
	if c.get(IdentityPolicy, make([]byte, maxGeneration)) != nil {
		t.Error("a document as large as the whole cache was kept")
	}
}
