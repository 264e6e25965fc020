"""The model of a file twice, the second time under another name."""
import sys

text = open(sys.argv[1]).read()
model = text[text.index("pp.model"):]
print(text + model.replace("@small", "@second"))
