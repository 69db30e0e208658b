"""Bodies of e-mails: Markdown, HTML and MJML in a layout, made once and filled in for everybody.

What is made is a pair of templates, one of HTML and one of text. Layout and style sheets are worked
in before anything is filled in, so that a message costs no more than rendering both. See
docs/decisions/0079-mail-bodies.md.
"""
