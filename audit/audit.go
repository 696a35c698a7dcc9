package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

// Options say what is asked of an audit.
type Options struct {
	// Since is the date from which uses count; zero for all that is recorded.
	Since time.Time
	// Keep are patterns of actions that are taken to be used, as those that CloudTrail does not record; and of principals, all of whose
	// grants are.
	Keep []string
	// Recorded are buckets of which it is known that every data event is recorded.
	Recorded []string
}

// Audit knows what stacks grant, and judges what Counters have counted.
type Audit struct {
	options   Options
	engine    *policy.Engine
	access    *policy.Access
	actions   map[string]policy.Action
	services  map[string]bool
	documents []*document
	holders   map[string][]*grant
	byAccount map[string][]string // the roles and users among the holders
	// unidentified are those of byAccount whose unique id is not known: somebody with another id is none of the others.
	unidentified map[string][]string
	known        map[string]bool               // holders, and roles without a grant
	uniqueIDs    map[string]string             // of roles, to their ARNs
	resources    map[string]*policy.Attachment // by their ARN, of those that have a policy
	open         []string
}

// New prepares an audit of the stacks that files show.
func New(ctx context.Context, rules *policy.Rules, engine *policy.Engine, options Options, files ...policy.File) (*Audit, error) {
	system, err := rules.System(ctx, files...)
	if err != nil {
		return nil, err
	}
	access, err := rules.Access(ctx, files...)
	if err != nil {
		return nil, err
	}
	a := &Audit{
		options: options, engine: engine, access: access, actions: rules.Actions(), services: map[string]bool{},
		holders: map[string][]*grant{}, byAccount: map[string][]string{}, unidentified: map[string][]string{}, known: map[string]bool{},
		uniqueIDs: map[string]string{}, resources: map[string]*policy.Attachment{},
	}
	for action := range a.actions {
		a.services[serviceOf(action)] = true
	}
	documents, all, open := grants(system)
	a.documents, a.open = documents, open
	for _, grant := range all {
		a.holders[grant.holder] = append(a.holders[grant.holder], grant)
		a.known[grant.holder] = grant.holder != "*"
	}
	for _, role := range system.Roles {
		a.known[role.ARN] = true
		if role.UniqueID != "" {
			a.uniqueIDs[role.UniqueID] = role.ARN
		}
		for _, arn := range role.Managed {
			if !slices.ContainsFunc(documents, func(d *document) bool { return d.Kind == "identity" && d.ARN == arn }) {
				if policy.IsUnknown(arn) {
					arn = "that is not known yet"
				}
				a.open = append(a.open, fmt.Sprintf("what the managed policy %s grants to the role %s is not in the stacks", arn, role.ARN))
			}
		}
	}
	identified := map[string]bool{}
	for _, arn := range a.uniqueIDs {
		identified[arn] = true
	}
	for _, holder := range slices.Sorted(maps.Keys(a.holders)) {
		if account := policy.AccountOf(holder); account != "" && !strings.HasSuffix(holder, ":root") {
			a.byAccount[account] = append(a.byAccount[account], holder)
			if !identified[holder] {
				a.unidentified[account] = append(a.unidentified[account], holder)
			}
		}
	}
	for i, attachment := range system.Attachments {
		if attachment.Kind != "identity" {
			a.resources[attachment.ARN] = &system.Attachments[i]
		}
	}
	return a, nil
}

// Counter is a new counter.
func (a *Audit) Counter() *Counter {
	return &Counter{
		audit: a, uses: map[useKey][]*use{}, channels: map[channel]*span{}, denied: map[deniedKey]*denied{},
		other: map[otherKey]*span{}, unmapped: map[otherKey]*span{},
	}
}

// caller is who made a call.
type caller struct {
	name, account string
	// holders are what policies can call the caller, of those that do call somebody so.
	holders []string
	// maybe are the roles of the account, where the record does not tell which of them it was.
	maybe []string
}

func (a *Audit) caller(identity trail.Identity) caller {
	who := caller{name: identity.Principal(), account: identity.Account}
	id := identity.UniqueID()
	switch {
	case who.name != "":
	case a.uniqueIDs[id] != "":
		who.name = a.uniqueIDs[id]
	case strings.EqualFold(identity.Account, "anonymous") || identity.Account == "ANONYMOUS_PRINCIPAL":
		who.name = "anonymous"
	case identity.Account != "":
		who.name = strings.TrimSpace(id + " of account " + identity.Account)
		who.maybe = a.byAccount[identity.Account]
		if id != "" {
			who.maybe = a.unidentified[identity.Account]
		}
	default:
		who.name = "somebody the records do not name"
	}
	hold := func(name string) {
		if len(a.holders[name]) > 0 && !slices.Contains(who.holders, name) {
			who.holders = append(who.holders, name)
		}
	}
	hold(who.name)
	hold(identity.ARN)
	hold(identity.Provider)
	hold(id)
	hold("*")
	if identity.Account != "" {
		hold("arn:aws:iam::" + identity.Account + ":root")
	}
	return who
}

// isOurs says whether a resource is one of the stacks, and has a policy there.
func (a *Audit) isOurs(arn string) bool {
	if strings.Contains(arn, ":s3:::") {
		arn, _, _ = strings.Cut(arn, "/")
	}
	return a.resources[arn] != nil
}

// isUnmapped says whether an action is of a service that the catalogue has, but not among its actions.
func (a *Audit) isUnmapped(action string) bool {
	_, known := a.actions[action]
	return !known && a.services[serviceOf(action)]
}

func serviceOf(action string) string {
	service, _, _ := strings.Cut(action, ":")
	return service
}

// dataActions are the actions besides S3's whose calls are data events.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
var dataActions = map[string]bool{
	"lambda:InvokeFunction": true, "sns:Publish": true, "sqs:ChangeMessageVisibility": true, "sqs:DeleteMessage": true,
	"sqs:ReceiveMessage": true, "sqs:SendMessage": true, "sqs:CancelMessageMoveTask": true, "sqs:ListMessageMoveTasks": true,
	"sqs:StartMessageMoveTask": true,
}

// isObjectAccess says whether an action of S3 is a data event of a bucket: what is done to objects, and listing them.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
func (a *Audit) isObjectAccess(action string) bool {
	switch action {
	case "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads":
		return true
	}
	return serviceOf(action) == "s3" && slices.Contains(a.actions[action].Resources, "object")
}

// channelOf is where an action is recorded, but for the account and for whether it reads. bucket is the ARN of an S3 call's bucket.
func (a *Audit) channelOf(action, bucket string) channel {
	service := serviceOf(action)
	switch {
	case a.isObjectAccess(action):
		return channel{what: bucket}
	case dataActions[action]:
		return channel{what: "the data events of " + service}
	case service == "kms": // A trail can leave it out.
		return channel{what: "the calls of KMS"}
	case a.services[service]:
		return channel{what: "management events"}
	default: // Whether CloudTrail records it is only known by a record of it.
		return channel{what: "calls of " + action}
	}
}
