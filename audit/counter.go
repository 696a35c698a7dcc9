package audit

import (
	"strings"
	"time"

	"cross-account-s3/trail"
)

// Bounds of what is kept, so that memory does not grow with the records.
const (
	maxGroups      = 10_000 // of denied accesses and of accesses that no stack grants, each, and for each counter
	maxDirectories = 5      // of used keys, at each depth
	maxDepth       = 6      // of these directories
)

// Counter counts what records say of the grants. It is for one goroutine; a report takes several.
type Counter struct {
	audit    *Audit
	uses     map[useKey][]*use // by holder and action
	channels map[channel]*span
	denied   map[deniedKey]*denied
	other    map[otherKey]*span
	unmapped map[otherKey]*span // calls whose action is not known, by principal and service
	records  span
	// elsewhere counts the accesses that have nothing to do with the stacks; dropped those that were beyond maxGroups.
	elsewhere, dropped int
}

type useKey struct{ holder, action string }

// use is what the records say of one action of a grant.
type use struct {
	grant   *grant
	action  string
	granted span
	// denied, failed and unnamed count the accesses that the grant was about, and that were denied (by something else, as the grant is
	// there), failed for another reason, or whose record does not name the principal.
	denied, failed, unnamed int
	before                  time.Time // the last use before the date from which uses count
	resources               []resourceUse
}

// resourceUse is what the records say of one of a grant's resource patterns.
type resourceUse struct {
	count int
	// whole is set once a record did not tell which object it was.
	whole bool
	// directories are those of the used keys, by depth.
	directories [maxDepth]directories
}

// directories is a set of few: what is beyond maxDirectories makes it full, and empties it.
type directories struct {
	paths map[string]bool
	full  bool
}

func (d *directories) add(path string) {
	switch {
	case d.full || d.paths[path]:
	case len(d.paths) == maxDirectories:
		d.full, d.paths = true, nil
	default:
		if d.paths == nil {
			d.paths = map[string]bool{}
		}
		d.paths[path] = true
	}
}

func (u *resourceUse) add(resource string) {
	u.count++
	_, key, isObject := strings.Cut(resource, "/")
	if !isObject {
		u.whole = true
		return
	}
	end := 0
	for depth := range u.directories {
		if next := strings.IndexByte(key[end:], '/'); next >= 0 {
			end += next + 1
		}
		u.directories[depth].add(key[:end])
	}
}

func (u *resourceUse) merge(other resourceUse) {
	u.count += other.count
	u.whole = u.whole || other.whole
	for depth, more := range other.directories {
		into := &u.directories[depth]
		into.full = into.full || more.full
		for path := range more.paths {
			into.add(path)
		}
		if into.full {
			into.paths = nil
		}
	}
}

// span is a number of records with the times of the first and the last.
type span struct {
	count       int
	first, last time.Time
}

func (s *span) add(at time.Time) { s.merge(span{1, at, at}) }

func (s *span) merge(other span) {
	if other.count == 0 {
		return
	}
	if s.count == 0 || other.first.Before(s.first) {
		s.first = other.first
	}
	if s.count == 0 || other.last.After(s.last) {
		s.last = other.last
	}
	s.count += other.count
}

// channel is a kind of records that a trail has or has not, as it was set up: of an account, what is recorded, reading or writing.
type channel struct {
	account string // whose trail has it
	what    string // management, kms, a bucket's ARN, the source of other data events, or the one action of a service that is not known
	reads   bool
}

type otherKey struct{ principal, what, resource string }

// deniedKey is what denied accesses have in common that are explained together.
type deniedKey struct {
	principal, action, resource string // the directory of an object
	endpoint, because           string
	plain                       bool
}

type denied struct {
	span
	example request
}

// Take counts a record.
func (c *Counter) Take(record *trail.Record) {
	accesses := record.Accesses()
	if len(accesses) == 0 {
		return
	}
	c.records.add(record.Time)
	who := c.audit.caller(record.Identity)
	outcome := record.Outcome()
	for _, access := range accesses {
		c.observe(record, access.Action)
	}
	because := ""
	if outcome == trail.Denied {
		accesses, because = refusedOf(record, accesses)
	}
	for _, access := range accesses {
		if c.audit.isUnmapped(access.Action) {
			c.count(c.unmapped, otherKey{who.name, serviceOf(access.Action), access.Action}, record.Time)
			continue
		}
		matched := c.use(who, access, outcome, record.Time)
		if record.Time.Before(c.audit.options.Since) {
			continue
		}
		ours := c.audit.known[who.name] || c.audit.isOurs(access.Resource)
		switch {
		case !ours && !matched:
			c.elsewhere++
		case outcome == trail.Denied:
			c.deny(record, who, access, because)
		case outcome == trail.Granted && !matched:
			c.count(c.other, otherKey{who.name, access.Action, groupOf(access.Resource)}, record.Time)
		}
	}
}

// refusedOf is which of a call's accesses was denied, and why, as far as AWS tells. It can be another than the call's own, as kms:Decrypt
// for an object that is encrypted.
func refusedOf(record *trail.Record, accesses []trail.Access) (refused []trail.Access, because string) {
	one, because := record.Refusal()
	if one.Action == "" {
		return accesses, because
	}
	for _, access := range accesses {
		if strings.EqualFold(access.Action, one.Action) {
			return []trail.Access{access}, because
		}
	}
	return []trail.Access{one}, because
}

func (c *Counter) count(groups map[otherKey]*span, key otherKey, at time.Time) {
	group := groups[key]
	if group == nil {
		if len(groups) >= maxGroups {
			c.dropped++
			return
		}
		key.principal, key.what, key.resource = strings.Clone(key.principal), strings.Clone(key.what), strings.Clone(key.resource)
		group = &span{}
		groups[key] = group
	}
	group.add(at)
}

// observe notes what the record shows of what its trail records.
func (c *Counter) observe(record *trail.Record, action string) {
	seen := c.audit.channelOf(action, "arn:"+record.Partition()+":s3:::"+string(record.Request.Bucket))
	seen.account, seen.reads = record.Recipient, record.ReadOnly
	one := c.channels[seen]
	if one == nil {
		if len(c.channels) >= maxGroups {
			return // What is not seen is undetermined.
		}
		one = &span{}
		c.channels[seen] = one
	}
	one.add(record.Time)
}

// use counts an access for the grants that it matches, or may match, and says whether there are any.
func (c *Counter) use(who caller, access trail.Access, outcome trail.Outcome, at time.Time) bool {
	matched := false
	for _, holder := range who.holders {
		for _, one := range c.usesOf(holder, access.Action) {
			if one.add(access, outcome, at, c.audit.options.Since) {
				matched = true
			}
		}
	}
	for _, holder := range who.maybe {
		for _, one := range c.usesOf(holder, access.Action) {
			if !one.about(access, nil) {
				continue
			}
			matched = true
			if outcome == trail.Granted && !at.Before(c.audit.options.Since) {
				one.unnamed++
			}
		}
	}
	return matched
}

// add counts an access, if it is one that the grant is about.
func (u *use) add(access trail.Access, outcome trail.Outcome, at, since time.Time) bool {
	counted := outcome == trail.Granted && !at.Before(since)
	if !u.about(access, func(i int) {
		switch {
		case !counted:
		case access.Resource == "" || access.Within:
			u.resources[i].count++
			u.resources[i].whole = true
		default:
			u.resources[i].add(access.Resource)
		}
	}) {
		return false
	}
	switch {
	case counted:
		u.granted.add(at)
	case at.Before(since):
		if outcome == trail.Granted && at.After(u.before) {
			u.before = at
		}
	case outcome == trail.Denied:
		u.denied++
	default:
		u.failed++
	}
	return true
}

// about says whether an access is on a resource of the grant, and calls each for the patterns that it matches. What a record does not tell,
// the grant is about.
func (u *use) about(access trail.Access, each func(i int)) bool {
	found := false
	for i, pattern := range u.grant.resources {
		if access.Resource == "" || access.Within && begins(pattern, access.Resource) || !access.Within && matches(pattern, access.Resource) {
			found = true
			if each != nil {
				each(i)
			}
		}
	}
	return found != u.grant.butResources || access.Resource == ""
}

// usesOf are the uses of the grants of a holder that are about an action.
func (c *Counter) usesOf(holder, action string) []*use {
	key := useKey{holder, action}
	uses, known := c.uses[key]
	if known {
		return uses
	}
	for _, grant := range c.audit.holders[holder] {
		if grant.covers(action) {
			uses = append(uses, &use{grant: grant, action: action, resources: make([]resourceUse, len(grant.resources))})
		}
	}
	if len(uses) > 0 || len(c.uses) < 10*maxGroups { // Names of calls come from outside, and there are only so many of them.
		c.uses[key] = uses
	}
	return uses
}

// deny counts a denied access together with those that are explained alike.
func (c *Counter) deny(record *trail.Record, who caller, access trail.Access, because string) {
	plain := record.Source == "s3.amazonaws.com" && record.Plain()
	key := deniedKey{who.name, access.Action, groupOf(access.Resource), record.VPCEndpoint, because, plain}
	group := c.denied[key]
	if group == nil {
		if len(c.denied) >= maxGroups {
			c.dropped++
			return
		}
		group = &denied{}
		c.denied[key] = group
	}
	// The last of them is the example, and of those of one second the one whose resource comes first, so that the order does not matter.
	if group.count == 0 || record.Time.After(group.last) ||
		record.Time.Equal(group.last) && access.Resource < group.example.resource {
		group.example = requestOf(record, who, access)
	}
	group.add(record.Time)
}

func (d *denied) merge(other *denied) {
	if d.count == 0 || other.last.After(d.last) || other.last.Equal(d.last) && other.example.resource < d.example.resource {
		d.example = other.example
	}
	d.span.merge(other.span)
}

// groupOf is what stands for an object with its directory, and for everything else itself.
func groupOf(arn string) string {
	if at := strings.LastIndexByte(arn, '/'); at >= 0 && strings.Contains(arn, ":s3:::") {
		return arn[:at+1] + "*"
	}
	return arn
}
