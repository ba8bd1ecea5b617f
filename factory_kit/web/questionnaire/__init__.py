"""The questionnaire of an assessment in a browser, for the rounds through the plant."""
