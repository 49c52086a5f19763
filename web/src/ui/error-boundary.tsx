import { Component, type ReactNode } from "react";
import { reasonOf } from "../lib/reason.ts";

interface Props {
  readonly name: string;
  readonly children: ReactNode;
}

interface State {
  readonly fault: string | null;
}

/** One panel's fault never blanks the page. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { fault: null };

  static getDerivedStateFromError(error: unknown): State {
    return { fault: reasonOf(error) };
  }

  override render(): ReactNode {
    if (this.state.fault === null) return this.props.children;
    return (
      <section className="panel notice" role="alert">
        <h2>{this.props.name} could not be shown</h2>
        <p>{this.state.fault}</p>
        <p>The rest of the page goes on. Reload the page; if it happens again, please report the text above.</p>
        <button type="button" onClick={() => { this.setState({ fault: null }); }}>
          Try again
        </button>
      </section>
    );
  }
}
