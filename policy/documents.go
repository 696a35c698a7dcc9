package policy

import (
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxGeneration bounds a generation of kept documents by the length of their texts, in bytes. What is kept of a document takes
// about eighty times as much, so two generations are some 40 MiB: room for several hundred policies, more than there are in the
// requests to one system.
const maxGeneration = 256 << 10

// documentCache keeps what has been made of documents that were well-formed, so that a policy that comes again with the next
// request is neither read nor prepared again. It keeps two generations: when the newer one is full, the older one is dropped, but
// for what was used since.
type documentCache struct {
	mutex        sync.RWMutex
	newer, older map[Kind]map[string]*ast.Term
	size         int // of the newer generation
}

func (c *documentCache) get(kind Kind, text []byte) *ast.Term {
	c.mutex.RLock()
	kept, isNew := c.newer[kind][string(text)]
	if !isNew {
		kept = c.older[kind][string(text)]
	}
	c.mutex.RUnlock()
	if kept != nil && !isNew {
		c.put(kind, text, kept)
	}
	return kept
}

func (c *documentCache) put(kind Kind, text []byte, prepared *ast.Term) {
	// No policy that AWS takes is larger: the longest, those of KMS keys, may have 32 KB.
	if len(text) > maxGeneration/8 {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, kept := c.newer[kind][string(text)]; kept {
		return
	}
	if c.size += len(text); c.newer == nil || c.size > maxGeneration {
		c.newer, c.older, c.size = map[Kind]map[string]*ast.Term{}, c.newer, len(text)
	}
	if c.newer[kind] == nil {
		c.newer[kind] = map[string]*ast.Term{}
	}
	c.newer[kind][string(text)] = prepared
}
