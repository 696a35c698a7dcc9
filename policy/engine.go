package policy

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"
)

//go:embed *.rego
var modules embed.FS

// What the engine asks the Rego modules for. A document is prepared once and then kept; a decision, whose input are prepared
// documents, is asked for together with its reasons, so that these find what it has worked out.
const (
	preparationQuery = `prepared = data.iam.preparation.document(input)`
	decisionQuery    = `decision = data.iam.evaluation.decision`
	reasonsQuery     = `decision = data.iam.evaluation.decision; reasons = data.iam.explanation.reasons`

	preparedVar = "prepared"
	decisionVar = "decision"
	reasonsVar  = "reasons"
)

// Engine answers cases. It compiles the Rego modules once and is safe for concurrent use.
type Engine struct {
	program     *program
	documents   documentCache
	preparation preparedQuery
	decision    preparedQuery
	reasons     preparedQuery
}

// New compiles the evaluator. An error means that the modules built into the program are broken.
func New(ctx context.Context) (*Engine, error) {
	return newEngine(ctx, modules)
}

func newEngine(ctx context.Context, files fs.FS) (*Engine, error) {
	sources, err := readModules(files, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the evaluator's Rego modules: %w", err)
	}
	program, err := newProgram(ctx, sources, map[string]any{})
	if err != nil {
		return nil, fmt.Errorf("compiling the evaluator's Rego modules: %w", err)
	}
	engine := &Engine{program: program}
	for _, query := range []struct {
		text string
		into *preparedQuery
	}{{preparationQuery, &engine.preparation}, {decisionQuery, &engine.decision}, {reasonsQuery, &engine.reasons}} {
		if *query.into, err = program.prepare(query.text); err != nil {
			return nil, err
		}
	}
	return engine, nil
}

// readModules parses the Rego files in a directory, side by side, all but the tests. Only policies.rego asks for its METADATA, and only it
// has them read.
func readModules(files fs.FS, directory string) (map[string]*ast.Module, error) {
	entries, err := fs.ReadDir(files, directory)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); !entry.IsDir() && !strings.HasSuffix(name, "_test.rego") {
			names = append(names, path.Join(directory, name))
		}
	}
	parsed := make([]*ast.Module, len(names))
	var group errgroup.Group
	for i, name := range names {
		group.Go(func() error {
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			parsed[i], err = ast.ParseModuleWithOpts(name, string(text), ast.ParserOptions{
				RegoVersion: ast.RegoV1, ProcessAnnotation: strings.HasSuffix(name, ".embed"),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	modules := map[string]*ast.Module{}
	for i, name := range names {
		modules[name] = parsed[i]
	}
	return modules, nil
}

// Decide answers a case, with the reasons. A malformed case is an error of type MalformedError, never a decision. A nil error
// comes with one of the four decisions; with an error the decision is Undetermined.
func (e *Engine) Decide(ctx context.Context, c Case) (Result, error) {
	q, err := c.question()
	return e.answer(ctx, q, err, true)
}

// DecideJSON answers a case given as JSON, as in one line of `gate simulate`. The id is the case's own as far as it could be
// read, also beside an error; nil where the case has none. Errors are as Decide's.
func (e *Engine) DecideJSON(ctx context.Context, line []byte, withReasons bool) (id *string, result Result, err error) {
	q, err := readCase(line)
	result, err = e.answer(ctx, q, err, withReasons)
	return q.id, result, err
}

// answer decides a question that could be read, or adds what is wrong with its documents to what is wrong with the rest of it.
func (e *Engine) answer(ctx context.Context, q question, malformed error, withReasons bool) (Result, error) {
	input, err := e.prepare(ctx, q, malformed)
	if err != nil {
		return Result{Decision: Undetermined}, err
	}
	return e.evaluate(ctx, input, withReasons)
}

// prepare makes the evaluation's input from a question: its request, and its documents as the Rego modules have prepared them.
func (e *Engine) prepare(ctx context.Context, q question, malformed error) (ast.Value, error) {
	p := preparer{ctx: ctx, engine: e}
	if malformed != nil && !errors.As(malformed, &p.problems) {
		return nil, malformed
	}
	input := [][2]*ast.Term{
		{word("request"), ast.NewTerm(q.request)},
		{word("identity"), p.layer(q.identity)},
		{word("resource"), p.layer(q.resource)},
		{word("boundary"), p.layer(q.boundary)},
		{word("session"), p.layer(q.session)},
		{word("scp"), p.levels(q.scp)},
		{word("rcp"), p.levels(q.rcp)},
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case len(p.problems) > 0:
		return nil, p.problems
	}
	return ast.NewObject(input...), nil
}

// preparer prepares the documents of one question.
type preparer struct {
	ctx      context.Context
	engine   *Engine
	problems MalformedError
	err      error
}

func (p *preparer) layer(documents []document) *ast.Term {
	terms := make([]*ast.Term, 0, len(documents))
	for _, document := range documents {
		statements := p.statements(document)
		if statements == nil {
			continue
		}
		terms = append(terms, ast.ObjectTerm(
			[2]*ast.Term{word("name"), ast.StringTerm(document.name)},
			[2]*ast.Term{word("statements"), statements},
		))
	}
	return ast.ArrayTerm(terms...)
}

func (p *preparer) levels(levels []level) *ast.Term {
	terms := make([]*ast.Term, len(levels))
	for i, level := range levels {
		terms[i] = ast.ObjectTerm(
			[2]*ast.Term{word("level"), ast.StringTerm(level.name)},
			[2]*ast.Term{word("documents"), p.layer(level.documents)},
		)
	}
	return ast.ArrayTerm(terms...)
}

// statements are the prepared statements of a document, nil where it is malformed.
func (p *preparer) statements(document document) *ast.Term {
	if kept := p.engine.documents.get(document.kind, document.text); kept != nil {
		return kept
	}
	value, problems := document.read()
	if len(problems) > 0 {
		p.problems = append(p.problems, problems...)
		return nil
	}
	if p.err != nil {
		return nil
	}
	answer, err := p.engine.program.ask(p.ctx, p.engine.preparation, value)
	if err != nil {
		p.err = err
		return nil
	}
	prepared, ok := answer.value(preparedVar).(ast.Object)
	if !ok {
		p.err = fmt.Errorf("preparing %s: the Rego modules gave no object", document.title())
		return nil
	}
	statements := prepared.Get(word("statements"))
	p.engine.documents.put(document.kind, document.text, statements)
	return statements
}

// evaluate asks the Rego modules for the decision.
func (e *Engine) evaluate(ctx context.Context, input ast.Value, withReasons bool) (Result, error) {
	result := Result{Decision: Undetermined}
	query := e.decision
	if withReasons {
		query = e.reasons
	}
	answer, err := e.program.ask(ctx, query, input)
	if err != nil {
		if ctx.Err() != nil {
			return result, err
		}
		return result, fmt.Errorf("evaluating the case: %w", err)
	}
	decision, err := asDecision(answer.value(decisionVar))
	if err != nil {
		return result, err
	}
	if withReasons {
		if err := answer.read(reasonsVar, &result.Reasons); err != nil {
			return result, fmt.Errorf("evaluating the case: %w", err)
		}
	}
	result.Decision = decision
	return result, nil
}

func asDecision(value ast.Value) (Decision, error) {
	if s, ok := value.(ast.String); ok {
		switch decision := Decision(s); decision {
		case Allowed, ExplicitlyDenied, ImplicitlyDenied, Undetermined:
			return decision, nil
		}
	}
	return Undetermined, fmt.Errorf("evaluating the case: the Rego modules gave the unknown decision %v", value)
}
